import type { Column } from "../api/binary";
import type { Cluster } from "../api/types";
import type { Theme } from "../color/palette";
import { hoverIndex } from "../scatter/hover";
import { middles, pointsOf } from "../scatter/points";
import type { Points } from "../scatter/points";
import { decodeIndices, selectionCode } from "./codes";
import { COLOUR_BY, byCluster, byConfidence, byCorrectness, byPrediction } from "./colouring";
import type { ColourBy, Colouring } from "./colouring";
import { ClassColumns } from "./columns";
import type { ClassAddress } from "./columns";
import type { Route } from "./route";
import { changeSelection, pointsWhere, selectedPoints, whollySelected } from "./selection";
import type { SelectionMode } from "./selection";

const KEPT_STEPS = 20;

/** Typical means a high silhouette: near to the own cluster, far from the next. */
export type SampleOrder = "as in the run" | "most typical" | "least typical" | "least confident";
const SAMPLE_ORDERS: readonly SampleOrder[] = ["as in the run", "most typical", "least typical", "least confident"];

/** A class and which samples it has. */
export interface ClassData extends ClassAddress {
  /** Sample index of each point. */
  indices: Int32Array;
}

/** What is shown of a class; each choice may need columns that are not loaded yet. */
export interface Choice {
  clustering: string;
  embedding: string;
  axes: readonly [number, number];
  colourBy: ColourBy;
  order: SampleOrder;
}

const NEEDED_BY: Record<ColourBy, readonly string[]> = {
  cluster: [],
  prediction: ["prediction"],
  correctness: ["prediction", "label"],
  confidence: ["confidence"],
};

const FIRST = { axes: [0, 1], colourBy: "cluster", order: "as in the run" } as const;

/** Whoever does with another class what is done with this one; points are counted in this one. */
export interface Follower {
  selected(points: ArrayLike<number>, mode: SelectionMode): void;
  undone(): void;
  looked(what: "hovered" | "current", point: number): void;
}

/** One class of one analysis: what is chosen, what is selected, and what follows from both. Points are counted within the class. */
export class ClassSession {
  readonly data: ClassData;
  readonly #columns: ClassColumns;

  clustering = $state("");
  embedding = $state("");
  axes = $state.raw<readonly [number, number]>([0, 1]);
  colourBy = $state<ColourBy>("cluster");
  order = $state<SampleOrder>("as in the run");
  #current = $state(-1);
  #hovered = $state(-1);
  mask = $state.raw<Uint8Array>(new Uint8Array(0));
  points = $state.raw<Points>(pointsOf(new Uint16Array(0)));
  #earlier: Uint8Array[] = [];
  #follower: Follower | null = null;
  #wanted: Choice;

  readonly clusters = $derived.by(() => this.#ints(`clustering.${this.clustering}`));
  readonly clusterList = $derived.by<Cluster[]>(() => this.data.detail.info.clusterings?.[this.clustering]?.clusters ?? []);
  readonly dimensions = $derived.by(() => this.#dimensionsOf(this.embedding));
  readonly hoverIndex = $derived.by(() => hoverIndex(this.points));
  readonly labelPlaces = $derived.by(() => middles(this.points, this.clusters, this.clusterList.map((cluster) => cluster.id)));
  readonly selected = $derived.by(() => selectedPoints(this.mask));
  /** What the grid lists: the selected points, or all of them while none is selected. */
  readonly shown = $derived.by(() => this.#ordered(this.selected.length > 0 ? this.selected : this.#everyPoint()));
  /** The selection as an address holds it. */
  readonly selectedCode = $derived.by(() => selectionCode(this.selected.map((point) => this.data.indices[point])));
  readonly #wholly = $derived.by(() => whollySelected(this.mask, this.clusters));

  private constructor(data: ClassData) {
    const { info } = data.detail;
    this.data = data;
    this.#columns = new ClassColumns(data);
    this.mask = new Uint8Array(data.indices.length);
    this.#wanted = {
      clustering: known(info.clusterings, info.default_clustering) ?? "",
      embedding: known(info.embeddings, info.default_embedding) ?? "",
      ...FIRST,
    };
  }

  static async open(data: ClassData, route: Route): Promise<ClassSession> {
    const session = new ClassSession(data);
    await session.choose(session.choiceOf(route));
    return session;
  }

  get eigenvalues(): Float32Array | null {
    return (this.#columns.numbers("eigenvalues") as Float32Array | undefined) ?? null;
  }

  /** Shows another clustering, embedding, ..., once its columns are here; of quick choices the last holds. */
  async choose(wanted: Partial<Choice>): Promise<void> {
    const before = this.#wanted;
    const axes = wanted.embedding === undefined || wanted.embedding === before.embedding ? before.axes : FIRST.axes;
    const choice = { ...before, axes, ...wanted };
    this.#wanted = choice;
    try {
      const [points] = await Promise.all([this.#pointsOf(choice), this.#columns.load(this.#columnsOf(choice))]);
      if (choice !== this.#wanted) return;
      this.#show(choice, points);
    } catch (error) {
      const { clustering, embedding, axes, colourBy, order } = this;
      if (choice === this.#wanted) this.#wanted = { clustering, embedding, axes, colourBy, order };
      throw error;
    }
  }

  /** What an address says about columns, as far as it fits; clustering and embedding stay where it names none. */
  choiceOf(route: Route): Choice {
    const { info } = this.data.detail;
    const clustering = known(info.clusterings, route.clustering ?? undefined) ?? this.#wanted.clustering;
    const embedding = known(info.embeddings, route.embedding ?? undefined) ?? this.#wanted.embedding;
    const dimensions = this.#dimensionsOf(embedding);
    return {
      clustering,
      embedding,
      axes: route.axes?.every((axis) => axis < dimensions) ? route.axes : FIRST.axes,
      colourBy: COLOUR_BY.find((name) => name === route.colour) ?? FIRST.colourBy,
      order: this.#ordersOf(clustering).find((name) => name === route.order) ?? FIRST.order,
    };
  }

  /** Selection and sample of an address, as far as they fit; what it leaves out is as at the beginning. */
  restore({ selected, sample }: Route): void {
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
    const column = (name: string) => this.#columns.numbers(name) ?? new Int32Array(0);
    if (this.colourBy === "prediction") return byPrediction(column("prediction"), this.data.run.classes, theme);
    if (this.colourBy === "correctness") return byCorrectness(column("prediction"), column("label"), theme);
    if (this.colourBy === "confidence") return byConfidence(column("confidence"), theme);
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

  /** Orders for which the class has columns. */
  orders(): SampleOrder[] {
    return this.#ordersOf(this.clustering);
  }

  #ordersOf(clustering: string): SampleOrder[] {
    const silhouette = this.#columns.exists(`silhouette.${clustering}`);
    return SAMPLE_ORDERS.filter((order) => silhouette || !order.includes("typical"));
  }

  #dimensionsOf(embedding: string): number {
    return this.data.detail.columns.find((column) => column.name === `embedding.${embedding}`)?.shape[1] ?? 1;
  }

  #columnsOf({ clustering, colourBy, order }: Choice): string[] {
    const sorting = order.includes("typical") ? [`silhouette.${clustering}`] : order === "least confident" ? ["confidence"] : [];
    return ["eigenvalues", `clustering.${clustering}`, `mean_map.${clustering}`, ...NEEDED_BY[colourBy], ...sorting];
  }

  async #pointsOf({ embedding, axes }: Choice): Promise<Points> {
    if (embedding === this.embedding && axes.join() === this.axes.join()) return this.points;
    const { source, run, analysis, detail } = this.data;
    if (!this.#columns.exists(`embedding.${embedding}`)) return pointsOf(new Uint16Array(0));
    return pointsOf(await source.places(run.id, analysis, detail.id, embedding, axes));
  }

  #show({ clustering, embedding, axes, colourBy, order }: Choice, points: Points): void {
    Object.assign(this, { clustering, embedding, axes, colourBy, order, points });
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
    const silhouette = this.#columns.numbers(`silhouette.${this.clustering}`);
    if (this.order === "most typical") return { by: silhouette, descending: true };
    if (this.order === "least typical") return { by: silhouette, descending: false };
    if (this.order === "least confident") return { by: this.#columns.numbers("confidence"), descending: false };
    return { by: undefined, descending: false };
  }

  #ints(name: string): Int32Array {
    return (this.#columns.numbers(name) as Int32Array | undefined) ?? new Int32Array(this.size).fill(-1);
  }
}

function known<T>(table: Record<string, T> | undefined, name: string | undefined): string | undefined {
  return table && name !== undefined && Object.hasOwn(table, name) ? name : undefined;
}
