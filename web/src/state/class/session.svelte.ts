import type { Numbers } from "../../api/binary";
import type { Cluster } from "../../api/types";
import type { Theme } from "../../color/palette";
import { hoverIndex } from "../../scatter/hover";
import { middles, pointsOf } from "../../scatter/points";
import type { Points } from "../../scatter/points";
import { SELECTED } from "../../scatter/renderer";
import { ABSOLUTE_MEAN, MEAN, TARGET, changedChoice, choiceOf, columnsFor, dimensionsOf, firstChoice, sampleOrders } from "./choice";
import type { Choice, SampleOrder, Wanted } from "./choice";
import { CLUSTER_ORDERS } from "./clusters";
import type { ClusterOrder } from "./clusters";
import { decodeClusters, decodeIndices, encodeClusters, selectionCode } from "../address/codes";
import { coloringOf } from "./coloring";
import type { Coloring } from "./coloring";
import { ClassColumns } from "./columns";
import type { ClassAddress } from "./columns";
import { countOnes, passing } from "./filter";
import { Filter } from "./filter.svelte";
import { listed, ranked } from "./listing";
import type { SortKey } from "./listing";
import { ClusterNaming } from "./naming.svelte";
import { ClusterParts } from "./parts.svelte";
import { CLUSTER, PointColumns, clusteringColumn, clusteringOf, columnChoices } from "./pointcolumns";
import type { PointColumn } from "./pointcolumns";
import type { Route } from "../address/route";
import { nounOf } from "./samples";
import { countTargets, mergeCounts } from "./targets";
import type { TargetCount } from "./targets";
import { changeSelection, hiding, packSelection, pointsOfSamples, pointsThat, pointsWhere, selectedPoints, unpackSelection, visibleAmong } from "./selection";
import type { SelectionMode } from "./selection";

const KEPT_STEPS = 20; // 2.5 MB for a million points
const FEW_CLUSTERS = 9; // selections of more clusters are encoded row by row

/** A class and its rows. */
export interface ClassData extends ClassAddress {
  /** Row of each point. */
  indices: Int32Array;
}

/** Follower that repeats actions of this class in another class; points are indices in this class. */
export interface Follower {
  selected(points: ArrayLike<number>, mode: SelectionMode): void;
  undone(): void;
  looked(what: "hovered" | "current", point: number): void;
}

/** One class of one analysis: its choices, filters and selection, and derived values. Points are indices in the class. */
export class ClassSession {
  readonly data: ClassData;
  readonly filter = new Filter();
  readonly naming: ClusterNaming;
  readonly #columns: ClassColumns;
  readonly #ofPoints: PointColumns;

  clustering = $state("");
  embedding = $state("");
  axes = $state.raw<readonly [number, number]>([0, 1]);
  colorBy = $state<string>(CLUSTER);
  order = $state<SampleOrder>("as in the run");
  #current = $state(-1);
  #hovered = $state(-1);
  clusterOrder = $state<ClusterOrder>("number");
  #absoluteMeans = $state(false);
  /** The reason why a requested column is not shown, or null. */
  columnProblem = $state<string | null>(null);
  mask = $state.raw<Uint8Array>(new Uint8Array(0));
  /** True if the scatter plot shows density instead of points. */
  density = $state(false);
  points = $state.raw<Points>(pointsOf(new Uint16Array(0)));
  /** Packed selections before the steps that can be undone. */
  #earlier: Uint8Array[] = [];
  #follower: Follower | null = null;
  #wanted: Choice;

  readonly clusters = $derived.by(() => this.#ints(`clustering.${this.clustering}`));
  readonly clusterList = $derived.by<Cluster[]>(() => this.data.detail.evidence.clusterings[this.clustering]?.clusters ?? []);
  readonly #targetsByCluster = $derived.by(() => {
    const targets = this.#columns.numbers(TARGET);
    return targets ? countTargets(targets, this.clusters) : new Map<number, TargetCount[]>();
  });
  /** The classes that the heatmaps of the class explain, the most frequent first. */
  readonly targets = $derived.by(() => mergeCounts(this.#targetsByCluster.values()));
  readonly dimensions = $derived.by(() => dimensionsOf(this.data.detail, this.embedding));
  readonly hoverIndex = $derived.by(() => hoverIndex(this.points));
  readonly labelPlaces = $derived.by(() => middles(this.points, this.clusters, this.clusterList.map((cluster) => cluster.id)));
  /** The column by which the points are colored. */
  readonly column = $derived.by(() => this.#columnShown());
  readonly coding = $derived.by(() => this.#ofPoints.coding(this.column));
  /** 1 for each point that passes the filter; null without a filter. */
  readonly visible = $derived.by(() => passing(this.size, this.filter.state, this.#ofPoints));
  readonly visibleCount = $derived.by(() => (this.visible ? countOnes(this.visible) : this.size));
  readonly selected = $derived.by(() => selectedPoints(this.mask, this.visible));
  readonly #ranking = $derived.by(() => ranked(this.order, (key) => this.#sortedBy(key)));
  /** Points in the list: the selected ones that pass the filter, or all that pass if none is selected. */
  readonly shown = $derived.by(() => {
    const selecting = this.selected.length > 0;
    return selecting && !this.#ranking ? this.selected : listed(this.#ranking, this.mask, this.visible, selecting);
  });
  /** The selection combined with the filter. */
  readonly drawnMask = $derived.by(() => hiding(this.mask, this.visible));
  /** The selected rows, rising. */
  readonly selectedRows = $derived.by(() => this.selected.map((point) => this.data.indices[point]));
  /** The selection encoded for an address: by clusters if it consists of whole clusters. */
  readonly selectedCode = $derived.by(() => {
    const { whole } = this.parts;
    const size = whole.reduce((sum, id) => sum + this.parts.visible(id), 0);
    if (whole.length > 0 && whole.length <= FEW_CLUSTERS && size === this.selected.length) return encodeClusters(whole);
    return selectionCode(this.selectedRows);
  });
  readonly parts = new ClusterParts(this);

  private constructor(data: ClassData) {
    this.data = data;
    this.naming = new ClusterNaming(data.source, data.run.id, data.analysis, data.detail.id);
    this.#columns = new ClassColumns(data);
    this.#ofPoints = new PointColumns(data.run, this.#columns);
    this.mask = new Uint8Array(data.indices.length);
    this.#wanted = firstChoice(data.detail);
  }

  static async open(data: ClassData, route: Route): Promise<ClassSession> {
    const session = new ClassSession(data);
    if (!session.problem) void session.naming.load();
    await session.choose(session.choiceOf(route));
    return session;
  }

  get eigenvalues(): Float32Array | null {
    return (this.#columns.numbers("eigenvalues") as Float32Array | undefined) ?? null;
  }

  /** Shows another clustering, embedding, ... once its columns are loaded; the last of several choices applies. */
  async choose({ filter, ...wanted }: Partial<Wanted>): Promise<void> {
    const choice = changedChoice(this.#wanted, wanted, this.data.detail);
    this.#wanted = choice;
    try {
      const [points] = await Promise.all([this.#pointsOf(choice), this.#columns.load(columnsFor(choice, filter))]);
      if (choice !== this.#wanted) return;
      this.#show(choice, points);
      if (filter) this.filter.restore(filter);
    } catch (error) {
      const { clustering, embedding, axes, colorBy, order } = this;
      if (choice === this.#wanted) this.#wanted = { clustering, embedding, axes, colorBy, order };
      throw error;
    }
  }

  /** Applies the valid choices of an address. */
  choiceOf(route: Route): Wanted {
    return choiceOf(route, this.data.run, this.data.detail, this.#wanted);
  }

  /** Colors by another column; if it is not available, the reason is shown and the rest stays as it is. */
  async chooseColor(id: string): Promise<void> {
    this.columnProblem = null;
    try {
      await this.choose({ colorBy: id });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.columnProblem = `The column ${this.columnTitle(id)} cannot be shown: ${reason}`;
    }
  }

  /** Restores the valid selection and sample of an address; missing parts get their defaults. */
  restore({ selected, sample, clusters, means, draw }: Route): void {
    this.density = draw === "density";
    this.clusterOrder = CLUSTER_ORDERS.find((order) => order === clusters) ?? "number";
    this.absoluteMeans = means === "absolute";
    const whole = selected === null ? null : decodeClusters(selected);
    const rows = (selected === null ? null : decodeIndices(selected)) ?? [];
    const points = whole ? pointsThat(this.size, (point) => Number(whole.includes(this.clusters[point]))) : this.pointsOf(rows);
    this.mask = changeSelection(this.mask, whole ? visibleAmong(points, this.visible) : points, "replace");
    this.current = sample === null ? -1 : this.data.indices.indexOf(sample);
  }

  /** The point shown in detail, or -1. */
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

  /** Sets the follower and clears the undo history, which the follower does not know. */
  follow(follower: Follower | null): void {
    this.#follower = follower;
    this.#earlier = [];
  }

  /** The reason why the class was not analyzed, or null. */
  get problem(): string | null {
    return this.data.detail.evidence.problem;
  }

  /** Noun for a point: "explanation" if samples have several of them. */
  get noun(): "sample" | "explanation" {
    return nounOf(this.data.run);
  }

  get size(): number {
    return this.data.indices.length;
  }

  coloring(theme: Theme): Coloring {
    return coloringOf(this.#named(this.column), this.coding, theme);
  }

  /** All columns by which the points can be colored. */
  get columnChoices() {
    return columnChoices(this.data.run, this.data.detail);
  }

  columnTitle(id: string): string {
    return this.columnChoices.find((choice) => choice.id === id)?.title ?? id;
  }

  /** A loaded column with the names of clusters. */
  columnOf(id: string): PointColumn | undefined {
    const column = this.#ofPoints.get(id);
    return column && this.#named(column);
  }

  /** The categories of a loaded column by their codes. */
  codesOf(id: string): number[] {
    const column = this.#ofPoints.get(id);
    return column ? this.#ofPoints.coding(column).categories.map(({ code }) => code) : [];
  }

  /** Mean heatmap of a cluster, signed or of magnitudes as chosen; null if the analysis has none. */
  meanMap(cluster: Cluster): { values: Float32Array; depth: number; height: number; width: number } | null {
    const column = this.#columns.get(`${this.absoluteMeans ? ABSOLUTE_MEAN : MEAN}.${this.clustering}`);
    const row = this.clusterList.indexOf(cluster);
    if (!column || column.shape.length < 2 || column.shape.length > 4 || row < 0 || row >= column.shape[0]) return null;
    const [depth, height, width] = [1, 1, ...column.shape.slice(1)].slice(-3);
    const size = depth * height * width;
    return { values: (column.data as Float32Array).subarray(row * size, (row + 1) * size), depth, height, width };
  }

  get absoluteMeans(): boolean {
    return this.#absoluteMeans && this.hasAbsoluteMeans;
  }

  set absoluteMeans(on: boolean) {
    this.#absoluteMeans = on;
  }

  /** Analyses of earlier versions have only signed means. */
  get hasAbsoluteMeans(): boolean {
    return this.#columns.exists(`${ABSOLUTE_MEAN}.${this.clustering}`);
  }

  /** Changes the selection by the points that pass the filter. */
  select(points: ArrayLike<number>, mode: SelectionMode): void {
    const seen = visibleAmong(points, this.visible);
    this.#earlier = [...this.#earlier, packSelection(this.mask)].slice(-KEPT_STEPS);
    this.mask = changeSelection(this.mask, seen, mode);
    this.#follower?.selected(seen, mode);
  }

  /** The classes that the heatmaps of a cluster explain, the most frequent first. */
  clusterTargets(id: number): readonly TargetCount[] {
    return this.#targetsByCluster.get(id) ?? [];
  }

  selectCluster(id: number, mode: SelectionMode): void {
    this.select(pointsWhere(this.clusters, id), mode);
  }

  /** Every point of a legend entry. */
  selectColor(values: Uint8Array, value: number, mode: SelectionMode): void {
    this.select(pointsWhere(values, value), mode);
  }

  /** The points of these rows; rows of other classes have none. */
  pointsOf(samples: ArrayLike<number>): Int32Array {
    return pointsOfSamples(this.data.indices, samples, this.data.run.n_explanations);
  }

  isSelected(point: number): boolean {
    return point >= 0 && (this.mask[point] & SELECTED) !== 0;
  }

  clearSelection(): void {
    if (this.selected.length > 0) this.select([], "replace");
  }

  undo(): void {
    const before = this.#earlier.pop();
    if (!before) return;
    this.mask = unpackSelection(before, this.size);
    this.#follower?.undone();
  }

  /** Moves through the listed points; without a current point, to the first one. */
  step(by: number): void {
    if (this.shown.length === 0) return;
    const at = this.shown.indexOf(this.current);
    const next = at < 0 ? 0 : Math.min(this.shown.length - 1, Math.max(0, at + by));
    this.current = this.shown[next];
  }

  /** Name of a point's cluster. */
  clusterName(point: number): string {
    const cluster = this.clusters[point];
    return cluster === undefined || this.problem ? "none" : this.clusterTitle(cluster);
  }

  /** "cluster 3", with its name if it has one. */
  clusterTitle(id: number, clustering = this.clustering): string {
    if (id < 0) return "noise";
    const name = this.naming.nameOf(clustering, id);
    return name === null ? `cluster ${id}` : `cluster ${id}: ${name}`;
  }

  /** Orders for which the class has columns. */
  orders(): SampleOrder[] {
    return sampleOrders(this.data.detail, this.clustering);
  }

  async #pointsOf({ embedding, axes }: Choice): Promise<Points> {
    if (embedding === this.embedding && axes.join() === this.axes.join()) return this.points;
    const { source, run, analysis, detail } = this.data;
    if (!this.#columns.exists(`embedding.${embedding}`)) return pointsOf(new Uint16Array(0));
    return pointsOf(await source.places(run.id, analysis, detail.id, embedding, axes));
  }

  #show({ clustering, embedding, axes, colorBy, order }: Choice, points: Points): void {
    Object.assign(this, { clustering, embedding, axes, colorBy, order, points });
  }

  #columnShown(): PointColumn {
    const column = this.#ofPoints.get(this.colorBy === CLUSTER ? clusteringColumn(this.clustering) : this.colorBy);
    if (column) return column;
    const values = new Int32Array(this.size).fill(-1);
    return { id: CLUSTER, title: CLUSTER, values, kind: "clusters", nameOf: String, none: "noise" };
  }

  #named(column: PointColumn): PointColumn {
    const clustering = clusteringOf(column.id);
    return clustering === null ? column : { ...column, nameOf: (code) => this.clusterTitle(code, clustering) };
  }

  #sortedBy(key: SortKey): Numbers | undefined {
    if (key === "color") return this.column.values;
    return this.#columns.numbers(key === "silhouette" ? `silhouette.${this.clustering}` : key);
  }

  #ints(name: string): Int32Array {
    return (this.#columns.numbers(name) as Int32Array | undefined) ?? new Int32Array(this.size).fill(-1);
  }
}
