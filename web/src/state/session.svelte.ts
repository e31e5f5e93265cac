import type { Column } from "../api/binary";
import type { DataSource } from "../api/source";
import type { CategoryDetail, Cluster, RunDetail } from "../api/types";
import type { Theme } from "../color/palette";
import { hoverIndex } from "../scatter/hover";
import { middles, quantise } from "../scatter/points";
import { HIDDEN } from "../scatter/renderer";
import { decodeIndices, selectionCode } from "./codes";
import { COLOUR_BY, byCluster, byConfidence, byCorrectness, byPrediction } from "./colouring";
import type { ColourBy, Colouring } from "./colouring";
import type { Route } from "./route";
import { changeSelection, pointsWhere, selectedPoints, whollySelected } from "./selection";
import type { SelectionMode } from "./selection";

const KEPT_STEPS = 20;

/** Typical means a high silhouette: near to the own cluster, far from the next. */
export type SampleOrder = "as in the run" | "most typical" | "least typical" | "least confident";
const SAMPLE_ORDERS: readonly SampleOrder[] = ["as in the run", "most typical", "least typical", "least confident"];

/** Columns of one class as they were loaded, and how to get the others. */
export interface ClassData {
  source: DataSource;
  run: RunDetail;
  analysis: string;
  detail: CategoryDetail;
  /** Sample index of each point. */
  indices: Int32Array;
  labels: Column["data"];
  predictions: Column["data"];
  confidence: Column["data"];
}

export interface Choice {
  clustering: string;
  embedding: string;
}

/** Whoever does with another class what is done with this one; points are counted in this one. */
export interface Follower {
  selected(points: ArrayLike<number>, mode: SelectionMode): void;
  undone(): void;
  looked(what: "hovered" | "current", point: number): void;
}

/** One class of one analysis: what is chosen, what is selected, and what follows from both. Points are counted within the class. */
export class ClassSession {
  readonly data: ClassData;
  readonly eigenvalues: Float32Array | null;
  readonly #columns: Map<string, Column>;

  clustering = $state("");
  embedding = $state("");
  axes = $state.raw<readonly [number, number]>([0, 1]);
  colourBy = $state<ColourBy>("cluster");
  order = $state<SampleOrder>("as in the run");
  #current = $state(-1);
  #hovered = $state(-1);
  mask = $state.raw<Uint8Array>(new Uint8Array(0));
  #earlier: Uint8Array[] = [];
  #follower: Follower | null = null;
  #wanted: Choice;

  readonly clusters = $derived.by(() => this.#ints(`clustering.${this.clustering}`));
  readonly clusterList = $derived.by<Cluster[]>(() => this.data.detail.info.clusterings?.[this.clustering]?.clusters ?? []);
  readonly dimensions = $derived.by(() => this.#columns.get(`embedding.${this.embedding}`)?.shape[1] ?? 1);
  readonly points = $derived.by(() => quantise(this.#floats(`embedding.${this.embedding}`), this.dimensions, this.axes));
  readonly hoverIndex = $derived.by(() => hoverIndex(this.points));
  readonly labelPlaces = $derived.by(() => middles(this.points, this.clusters, this.clusterList.map((cluster) => cluster.id)));
  readonly selected = $derived.by(() => selectedPoints(this.mask));
  /** What the grid lists: the selected points, or all of them while none is selected. */
  readonly shown = $derived.by(() => this.#ordered(this.selected.length > 0 ? this.selected : this.#everyPoint()));
  /** The selection as an address holds it. */
  readonly selectedCode = $derived.by(() => selectionCode(this.selected.map((point) => this.data.indices[point])));
  readonly drawnMask = $derived.by(() => {
    const { missing } = this.points;
    return missing.includes(1) ? this.mask.map((bits, point) => (missing[point] ? bits | HIDDEN : bits)) : this.mask;
  });
  readonly #wholly = $derived.by(() => whollySelected(this.mask, this.clusters));

  private constructor(data: ClassData, columns: Map<string, Column>, choice: Choice) {
    this.data = data;
    this.#columns = columns;
    this.eigenvalues = (columns.get("eigenvalues")?.data as Float32Array | undefined) ?? null;
    this.mask = new Uint8Array(data.indices.length);
    this.clustering = choice.clustering;
    this.embedding = choice.embedding;
    this.#wanted = choice;
  }

  static async open(data: ClassData, wanted: Partial<Choice>): Promise<ClassSession> {
    const { info } = data.detail;
    const choice = {
      clustering: known(info.clusterings, wanted.clustering) ?? known(info.clusterings, info.default_clustering) ?? "",
      embedding: known(info.embeddings, wanted.embedding) ?? known(info.embeddings, info.default_embedding) ?? "",
    };
    const columns = new Map<string, Column>();
    await loadColumns(data, columns, ["eigenvalues", ...columnsOf(choice)]);
    return new ClassSession(data, columns, choice);
  }

  /** Shows another clustering or embedding, once its columns are here; of quick choices the last holds. */
  async choose(wanted: Partial<Choice>): Promise<void> {
    const choice = { ...this.#wanted, ...wanted };
    this.#wanted = choice;
    try {
      await loadColumns(this.data, this.#columns, columnsOf(choice));
    } catch (error) {
      this.#wanted = { clustering: this.clustering, embedding: this.embedding };
      throw error;
    }
    if (choice !== this.#wanted) return;
    this.clustering = choice.clustering;
    if (this.embedding !== choice.embedding) this.axes = [0, 1];
    this.embedding = choice.embedding;
  }

  /** What an address says about the class, as far as it fits; what it leaves out is as at the beginning. */
  restore({ axes, colour, order, selected, sample }: Route): void {
    this.axes = axes?.every((axis) => axis < this.dimensions) ? axes : [0, 1];
    this.colourBy = COLOUR_BY.find((name) => name === colour) ?? "cluster";
    this.order = this.orders().find((name) => name === order) ?? "as in the run";
    const rows = (selected === null ? null : decodeIndices(selected)) ?? [];
    this.mask = changeSelection(this.mask, this.pointsOf(rows), "replace");
    this.current = sample === null ? -1 : this.data.indices.indexOf(sample);
  }

  /** The point whose sample is shown in detail, or -1. */
  get current(): number {
    return this.#current;
  }

  set current(point: number) {
    this.#current = point;
    this.#follower?.looked("current", point);
  }

  get hovered(): number {
    return this.#hovered;
  }

  set hovered(point: number) {
    this.#hovered = point;
    this.#follower?.looked("hovered", point);
  }

  /** From now on tells this follower; what was done before cannot be undone then, as the follower does not know it. */
  follow(follower: Follower | null): void {
    this.#follower = follower;
    this.#earlier = [];
  }

  /** Why the class was not analysed, or null. */
  get problem(): string | null {
    return this.data.detail.info.problem ?? null;
  }

  get size(): number {
    return this.data.indices.length;
  }

  colouring(theme: Theme): Colouring {
    const { predictions, labels, confidence, run } = this.data;
    if (this.colourBy === "prediction") return byPrediction(predictions, run.classes, theme);
    if (this.colourBy === "correctness") return byCorrectness(predictions, labels, theme);
    if (this.colourBy === "confidence") return byConfidence(confidence, theme);
    return byCluster(this.clusters, theme);
  }

  /** Signed mean map of a cluster, or null where the analysis has none. */
  meanMap(cluster: Cluster): { values: Float32Array; height: number; width: number } | null {
    const column = this.#columns.get(`mean_map.${this.clustering}`);
    const row = this.clusterList.indexOf(cluster);
    if (!column || column.shape.length !== 3 || row < 0 || row >= column.shape[0]) return null;
    const [, height, width] = column.shape;
    return { values: (column.data as Float32Array).subarray(row * height * width, (row + 1) * height * width), height, width };
  }

  select(points: ArrayLike<number>, mode: SelectionMode): void {
    this.#earlier = [...this.#earlier, this.mask].slice(-KEPT_STEPS);
    this.mask = changeSelection(this.mask, points, mode);
    this.#follower?.selected(points, mode);
  }

  selectCluster(id: number, mode: SelectionMode): void {
    this.select(pointsWhere(this.clusters, id), mode);
  }

  /** Every point that a legend entry stands for. */
  selectColour(values: Uint8Array, value: number, mode: SelectionMode): void {
    this.select(pointsWhere(values, value), mode);
  }

  /** The points of these samples; those of other classes have none. */
  pointsOf(rows: readonly number[]): Int32Array {
    const wanted = new Set(rows);
    return this.#everyPoint().filter((point) => wanted.has(this.data.indices[point]));
  }

  /** Whether the cluster is selected wholly; an empty one never is. */
  isClusterSelected(id: number): boolean {
    return this.#wholly.has(id);
  }

  clearSelection(): void {
    if (this.selected.length > 0) this.select([], "replace");
  }

  undo(): void {
    const mask = this.#earlier.pop();
    if (!mask) return;
    this.mask = mask;
    this.#follower?.undone();
  }

  /** Goes on among what the grid shows; from nowhere to its first sample. */
  step(by: number): void {
    if (this.shown.length === 0) return;
    const at = this.shown.indexOf(this.current);
    const next = at < 0 ? 0 : Math.min(this.shown.length - 1, Math.max(0, at + by));
    this.current = this.shown[next];
  }

  clusterName(point: number): string {
    const cluster = this.clusters[point];
    return cluster === undefined || this.problem ? "none" : cluster < 0 ? "noise" : `cluster ${cluster}`;
  }

  isWrong(point: number): boolean {
    const { labels, predictions } = this.data;
    return labels[point] >= 0 && predictions[point] >= 0 && labels[point] !== predictions[point];
  }

  /** Orders that the loaded columns allow. */
  orders(): SampleOrder[] {
    const silhouette = this.#columns.has(`silhouette.${this.clustering}`);
    return SAMPLE_ORDERS.filter((order) => silhouette || !order.includes("typical"));
  }

  #everyPoint(): Int32Array {
    return new Int32Array(this.size).map((_, point) => point);
  }

  #ordered(points: Int32Array): Int32Array {
    const { by, descending } = this.#sorting();
    if (!by) return points;
    const key = (point: number) => (Number.isFinite(by[point]) ? by[point] : descending ? -Infinity : Infinity);
    const sign = descending ? -1 : 1;
    return points.slice().sort((a, b) => sign * Math.sign(key(a) - key(b)) || a - b);
  }

  #sorting(): { by: Column["data"] | undefined; descending: boolean } {
    const silhouette = this.#columns.get(`silhouette.${this.clustering}`)?.data;
    if (this.order === "most typical") return { by: silhouette, descending: true };
    if (this.order === "least typical") return { by: silhouette, descending: false };
    if (this.order === "least confident") return { by: this.data.confidence, descending: false };
    return { by: undefined, descending: false };
  }

  #ints(name: string): Int32Array {
    return (this.#columns.get(name)?.data as Int32Array | undefined) ?? new Int32Array(this.size).fill(-1);
  }

  #floats(name: string): Float32Array {
    return (this.#columns.get(name)?.data as Float32Array | undefined) ?? new Float32Array(0);
  }
}

function known<T>(table: Record<string, T> | undefined, name: string | undefined): string | undefined {
  return table && name !== undefined && Object.hasOwn(table, name) ? name : undefined;
}

function columnsOf(choice: Choice): string[] {
  const ofClusters = ["clustering", "mean_map", "silhouette"].map((column) => `${column}.${choice.clustering}`);
  return [...ofClusters, `embedding.${choice.embedding}`];
}

async function loadColumns(data: ClassData, columns: Map<string, Column>, names: string[]): Promise<void> {
  const there = new Set(data.detail.columns.map((column) => column.name));
  const wanted = names.filter((name) => there.has(name) && !columns.has(name));
  const load = (name: string) => data.source.categoryColumn(data.run.id, data.analysis, data.detail.id, name);
  const loaded = await Promise.all(wanted.map(load));
  wanted.forEach((name, position) => columns.set(name, loaded[position]));
}
