import type { RunDetail } from "../../api/types";
import type { PictureMode } from "../../color/picture";
import { adjustedRandIndex, normalizedMutualInformation } from "./agreement";
import { contingency, pointsOfCell, selectedCells, withoutNoise } from "./contingency";
import { methodNames } from "./methods.svelte";
import type { Norms } from "../heatmaps/norms.svelte";
import type { OpenedRun } from "../page/opened";
import { partners, visiblePairs } from "./pairing";
import type { Pairing } from "./pairing";
import type { PictureView, RunPictures } from "../heatmaps/pictures";
import type { Route } from "../address/route";
import { changeSelection } from "../class/selection";
import type { SelectionMode } from "../class/selection";
import type { ClassSession } from "../class/session.svelte";

export type Side = "left" | "right";
export const SIDES: readonly Side[] = ["left", "right"];
const OPPOSITE: Record<Side, Side> = { left: "right", right: "left" };

/** Two classes side by side: selection and current sample of one side apply to the other, if both have the sample. */
export class Comparison {
  readonly left: ClassSession;
  readonly right: ClassSession;
  readonly runs: Record<Side, OpenedRun>;
  readonly pairing: Pairing;
  /** The side of the last action; its samples are listed. */
  active = $state<Side>("left");
  readonly #pairs = $derived.by(() => visiblePairs(this.pairing, this.left.visible, this.right.visible));
  readonly table = $derived.by(() => contingency(this.left.clusters, this.right.clusters, this.#pairs));
  /** The table from which the agreement is computed. */
  readonly clustered = $derived.by(() => withoutNoise(this.table));
  readonly randIndex = $derived.by(() => adjustedRandIndex(this.clustered));
  readonly information = $derived.by(() => normalizedMutualInformation(this.clustered));
  /** Number of selected samples in each cell. */
  readonly chosen = $derived.by(() =>
    selectedCells(this.table, this.left.clusters, this.right.clusters, this.#pairs, this.left.mask),
  );
  #following = false;

  constructor(left: ClassSession, right: ClassSession, runs: Record<Side, OpenedRun>, pairing: Pairing) {
    this.left = left;
    this.right = right;
    this.runs = runs;
    this.pairing = pairing;
  }

  /** Links the two sides. */
  begin(): void {
    if (this.pairing.shared === 0) return;
    this.#link(this.left, this.right, this.pairing.toRight);
    this.#link(this.right, this.left, this.pairing.toLeft);
  }

  end(): void {
    this.left.follow(null);
    this.right.follow(null);
  }

  session(side: Side): ClassSession {
    return side === "left" ? this.left : this.right;
  }

  pictures(side: Side): RunPictures {
    return this.runs[side].pictures;
  }

  run(side: Side): RunDetail {
    return this.runs[side].detail;
  }

  /** True if the sides have different heatmaps of the same sample. */
  get twoRuns(): boolean {
    return this.runs.left.detail.id !== this.runs.right.detail.id;
  }

  /** The attribution method, or the name of the run if it has none. */
  method(side: Side): string {
    const runs = this.twoRuns ? SIDES.map((each) => this.run(each)) : [this.run(side)];
    return methodNames(runs)[this.twoRuns ? SIDES.indexOf(side) : 0];
  }

  /** A sample in both runs: the heatmap of each next to the input or, if it is not an image, as an overlay. */
  views(side: Side, point: number, norms: Record<Side, Norms>): PictureView[] {
    const points = { [side]: point, [OPPOSITE[side]]: this.partner(side, point) } as Record<Side, number>;
    const view = (of: Side, mode: PictureMode, name: string): PictureView => {
      const index = points[of] < 0 ? null : this.session(of).data.indices[points[of]];
      return { name, mode, pictures: this.pictures(of), index, norms: norms[of] };
    };
    const isRaster = (of: Side) => this.pictures(of).isRaster;
    const maps = SIDES.map((of) => view(of, isRaster(of) ? "map" : "overlay", `${of}: ${this.method(of)}`));
    const withInput = [side, OPPOSITE[side]].find((of) => isRaster(of) && this.pictures(of).hasInputs);
    return withInput ? [view(withInput, "input", "input"), ...maps] : maps;
  }

  /** Counts the shared samples whose label differs between the sides, which suggests different data. */
  async relabeled(): Promise<number> {
    const labels = ({ data }: ClassSession) =>
      data.source.column(data.run.id, "label", { analysis: data.analysis, category: data.detail.id });
    const [here, there] = (await Promise.all([labels(this.left), labels(this.right)])).map((column) => column.data);
    const [names, otherNames] = [this.left.data.run.classes, this.right.data.run.classes];
    let count = 0;
    this.pairing.toRight.forEach((other, point) => {
      if (other < 0 || here[point] < 0 || there[other] < 0) return;
      if (names[here[point]] !== otherNames[there[other]]) count++;
    });
    return count;
  }

  /** Point of the same sample on the other side, or -1. */
  partner(side: Side, point: number): number {
    const places = side === "left" ? this.pairing.toRight : this.pairing.toLeft;
    return point < 0 ? -1 : places[point];
  }

  /** Selects the shared samples of a cell, or of a whole row or column if the other cluster is null. */
  selectCell(row: number | null, column: number | null, mode: SelectionMode): void {
    const points = pointsOfCell(this.left.clusters, this.right.clusters, this.#pairs, row, column);
    this.left.select(points, mode);
  }

  clearSelection(): void {
    this.left.clearSelection();
    this.right.clearSelection();
  }

  /** Restores the right side from an address; by default it has the selection of the left side. */
  restore(route: Route): void {
    this.#alone(() => {
      this.right.restore(route);
      if (route.selected === null) this.right.mask = changeSelection(this.right.mask, this.#selectedByLeft(), "replace");
      this.right.current = this.partner("left", this.left.current);
    });
  }

  /** The selection of the right side for an address; null if it follows from the left side. */
  readonly ownSelection = $derived.by(() => {
    const { selected, selectedCode } = this.right;
    if (selected.length === 0) return null;
    const followed = this.#selectedByLeft().sort();
    const same = followed.length === selected.length && selected.every((point, at) => point === followed[at]);
    return same ? null : selectedCode;
  });

  #selectedByLeft(): Int32Array {
    return partners(this.left.selected, this.pairing.toRight);
  }

  #link(from: ClassSession, to: ClassSession, places: Int32Array): void {
    from.follow({
      selected: (points, mode) => this.#alone(() => to.select(partners(points, places), mode)),
      undone: () => this.#alone(() => to.undo()),
      looked: (what, point) => this.#alone(() => (to[what] = point < 0 ? -1 : places[point])),
    });
  }

  /** Updates one side from the other without updating back. */
  #alone(change: () => void): void {
    if (this.#following) return;
    this.#following = true;
    try {
      change();
    } finally {
      this.#following = false;
    }
  }
}
