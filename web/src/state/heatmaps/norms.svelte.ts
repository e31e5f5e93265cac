import type { ScaleTable } from "../../api/types";
import type { RelevanceMap } from "../../api/binary";
import { ownScale } from "../../color/shades";
import type { ClassSession } from "../class/session.svelte";
import type { Settings } from "./settings.svelte";

/** The relevance of full color of compared heatmaps, and the number of relevance maps that it was computed from. */
export interface Reference {
  full: number;
  /** The cluster that shares it; null: the whole class. */
  cluster: number | null;
  samples: number;
  maps: number;
}

/** The scales of one class for the chosen norm: of each sample, of its cluster, or of all. */
export class Norms {
  readonly #session: ClassSession;
  readonly #settings: Settings;
  #tables = $state.raw<ReadonlyMap<string, ScaleTable>>(new Map());
  #waiting = new Set<string>();
  #failed = $state.raw<{ clustering: string; reason: string } | null>(null);

  constructor(session: ClassSession, settings: Settings) {
    this.#session = session;
    this.#settings = settings;
  }

  /** The reason why the scales of the current clustering are not available, or null. */
  get problem(): string | null {
    return this.#failed?.clustering === this.#session.clustering ? this.#failed.reason : null;
  }

  /** Fetches what the chosen norm needs; a table is fetched once. */
  async load(): Promise<void> {
    const { clustering, data } = this.#session;
    if (this.#settings.appearance.norm === "sample" || this.#tables.has(clustering) || this.#waiting.has(clustering)) return;
    this.#waiting.add(clustering);
    this.#failed = null;
    try {
      const table = await data.source.scales(data.run.id, data.analysis, data.detail.id, clustering);
      this.#tables = new Map([...this.#tables, [clustering, table]]);
    } catch (error) {
      this.#failed = { clustering, reason: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#waiting.delete(clustering);
    }
  }

  /** The relevance of full color of this sample's heatmap; null while it is loading. */
  full(index: number, map: Pick<RelevanceMap, "codes" | "scale">): number | null {
    const { norm, clip } = this.#settings.appearance;
    if (norm === "sample" || this.problem) return ownScale(map, clip);
    return this.reference(this.#clusterOf(index))?.full ?? null;
  }

  /** The shared scale of a cluster or of the class; null if each sample has its own, or while it is loading. */
  reference(cluster: number | null): Reference | null {
    const { norm, clip } = this.#settings.appearance;
    const table = this.#tables.get(this.#session.clustering);
    if (norm === "sample" || !table) return null;
    const wanted = norm === "cluster" ? cluster : null;
    const scale = table.scales.find((entry) => entry.cluster === wanted) ?? table.scales[0];
    const full = scale?.values[table.percentiles.indexOf(clip)];
    return full === undefined ? null : { full, cluster: scale.cluster, samples: scale.samples, maps: scale.maps };
  }

  #clusterOf(index: number): number | null {
    const point = pointOf(this.#session.data.indices, index);
    return point < 0 ? null : (this.#session.clusters[point] ?? null);
  }
}

/** Position of an index in a rising list, or -1. */
export function pointOf(indices: Int32Array, index: number): number {
  let [low, high] = [0, indices.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (indices[middle] < index) low = middle + 1;
    else high = middle;
  }
  return indices[low] === index ? low : -1;
}
