import type { Cluster } from "../../api/types";
import { clusterCounts, clusterRows } from "./selection";

/** The clusters of a class, the points that pass the filter (null: all), and the selected points. */
interface Clustered {
  readonly clusters: Int32Array;
  readonly clusterList: readonly Cluster[];
  readonly mask: Uint8Array;
  readonly visible: Uint8Array | null;
}

/** Visible and selected points of each cluster; every id that is not listed, such as -1, is noise. */
export class ClusterParts {
  readonly #of: Clustered;
  readonly #rows = $derived.by(() => clusterRows(this.#of.clusters, this.#of.clusterList.map(({ id }) => id)));
  readonly #counts = $derived.by(() => clusterCounts(this.#rows, this.#of.clusterList.length, this.#of.mask, this.#of.visible));
  /** Number of points in no cluster. */
  readonly noise = $derived.by(() => this.#counts.all[this.#of.clusterList.length]);

  constructor(of: Clustered) {
    this.#of = of;
  }

  /** Number of points of a cluster that pass the filter. */
  visible(id: number): number {
    return this.#counts.visible[this.#row(id)];
  }

  /** Selected part of the visible points of the cluster. */
  selected(id: number): "none" | "some" | "all" {
    const [selected, visible] = [this.#counts.selected[this.#row(id)], this.visible(id)];
    return selected === 0 ? "none" : selected < visible ? "some" : "all";
  }

  /** The clusters, including noise, whose visible points are all selected; never an empty cluster. */
  readonly whole = $derived.by(() => [...this.#of.clusterList.map(({ id }) => id), -1].filter((id) => this.selected(id) === "all"));

  #row(id: number): number {
    const row = this.#of.clusterList.findIndex((cluster) => cluster.id === id);
    return row < 0 ? this.#of.clusterList.length : row;
  }
}
