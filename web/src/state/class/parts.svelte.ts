import type { Cluster } from "../../api/types";
import { clusterCounts, clusterRows } from "./selection";

/** The clusters of a class, which of its points pass the filter (null: all) and which are selected. */
interface Clustered {
  readonly clusters: Int32Array;
  readonly clusterList: readonly Cluster[];
  readonly mask: Uint8Array;
  readonly visible: Uint8Array | null;
}

/** How much of each cluster is seen and selected; every id that is not listed, as -1, stands for the noise. */
export class ClusterParts {
  readonly #of: Clustered;
  readonly #rows = $derived.by(() => clusterRows(this.#of.clusters, this.#of.clusterList.map(({ id }) => id)));
  readonly #counts = $derived.by(() => clusterCounts(this.#rows, this.#of.clusterList.length, this.#of.mask, this.#of.visible));
  /** How many points are in no cluster. */
  readonly noise = $derived.by(() => this.#counts.all[this.#of.clusterList.length]);

  constructor(of: Clustered) {
    this.#of = of;
  }

  /** How many points of a cluster pass the filter. */
  visible(id: number): number {
    return this.#counts.visible[this.#row(id)];
  }

  /** How much of what is seen of the cluster is selected. */
  selected(id: number): "none" | "some" | "all" {
    const [selected, visible] = [this.#counts.selected[this.#row(id)], this.visible(id)];
    return selected === 0 ? "none" : selected < visible ? "some" : "all";
  }

  /** The clusters, noise too, of which all that is seen is selected; an empty one never is. */
  readonly whole = $derived.by(() => [...this.#of.clusterList.map(({ id }) => id), -1].filter((id) => this.selected(id) === "all"));

  #row(id: number): number {
    const row = this.#of.clusterList.findIndex((cluster) => cluster.id === id);
    return row < 0 ? this.#of.clusterList.length : row;
  }
}
