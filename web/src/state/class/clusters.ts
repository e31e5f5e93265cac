import type { Cluster } from "../../api/types";

/** Orders of the cards of clusters. */
export const CLUSTER_ORDERS = ["number", "size", "separability", "purity"] as const;
export type ClusterOrder = (typeof CLUSTER_ORDERS)[number];

/** By number, or the largest first; unknown scores are last. */
export function orderedClusters(clusters: readonly Cluster[], order: ClusterOrder): Cluster[] {
  if (order === "number") return [...clusters];
  const key = (cluster: Cluster) => {
    const value = { size: cluster.n_explanations, separability: cluster.separability, purity: cluster.composition.purity }[order];
    return value === null || !Number.isFinite(value) ? -Infinity : value;
  };
  return [...clusters].sort((a, b) => (key(a) === key(b) ? a.id - b.id : key(b) - key(a)));
}
