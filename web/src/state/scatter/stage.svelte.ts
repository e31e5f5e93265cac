import { fit, panBy, project, toPlace, toScreen, zoomAt } from "../../scatter/camera";
import type { Camera } from "../../scatter/camera";
import { nearest } from "../../scatter/hover";
import { STEPS, isMissing } from "../../scatter/points";
import type { SelectionMode } from "../class/selection";
import type { ClassSession } from "../class/session.svelte";

const REACH = 12; // pixels around the pointer in which a point is found

export type Tool = "pan" | "lasso" | "rectangle";

/** How the scatter is looked at and what the pointer does there; shared by canvas, tool bar and keys. */
export class Stage {
  readonly session: ClassSession;
  /** Where the points are drawn, and how often they were. */
  canvas: HTMLCanvasElement | null = null;
  frames = 0;
  tool = $state<Tool>("pan");
  selectionMode = $state<SelectionMode>("replace");
  width = $state(0);
  height = $state(0);
  camera = $state.raw<Camera>({ x: 0.5, y: 0.5, zoom: 1 });
  readonly projection = $derived.by(() => {
    return project(this.camera, { width: this.width, height: this.height }, this.session.points.extent);
  });

  #first: Camera | null;

  /** `first` is where to look at the beginning; without it, at everything. */
  constructor(session: ClassSession, first: Camera | null = null) {
    this.session = session;
    this.#first = first;
  }

  /** Looks at new points: the first ones from where the address says. */
  begin(): void {
    this.look(this.#first);
    this.#first = null;
  }

  /** Looks from where an address says; without that, at everything. */
  look(camera: Camera | null): void {
    if (camera) this.camera = camera;
    else this.fit();
  }

  /** The camera, or null while it shows everything. */
  get moved(): Camera | null {
    const { x, y, zoom } = fit(this.session.points.extent);
    return this.camera.x === x && this.camera.y === y && this.camera.zoom === zoom ? null : this.camera;
  }

  /** The point within reach of a place on the screen, or -1. */
  pointAt(x: number, y: number): number {
    const [left, top] = toPlace(this.projection, x, y);
    return nearest(this.session.hoverIndex, left, top, REACH / this.projection.unit, this.session.visible);
  }

  fit(): void {
    this.camera = fit(this.session.points.extent);
  }

  /** Moves what is seen by pixels to the right and down. */
  pan(right: number, down: number): void {
    this.camera = panBy(this.projection, right, down);
  }

  /** Brings a place into the middle unless it can be seen. */
  reveal(x: number, y: number): void {
    const [left, top] = toScreen(this.projection, x, y);
    if (left >= 0 && left <= this.width && top >= 0 && top <= this.height) return;
    this.camera = { ...this.camera, x, y };
  }

  /** Where a point is drawn, in pixels from the left and from the top. */
  screenOf(point: number): [number, number] {
    const { positions } = this.session.points;
    return toScreen(this.projection, positions[point * 2] / STEPS, positions[point * 2 + 1] / STEPS);
  }

  /** The same for a point; one without a place stays unseen. */
  revealPoint(point: number): void {
    const { points } = this.session;
    if (!isMissing(points, point)) this.reveal(points.positions[point * 2] / STEPS, points.positions[point * 2 + 1] / STEPS);
  }

  zoom(factor: number): void {
    this.camera = zoomAt(this.projection, factor, this.width / 2, this.height / 2);
  }
}
