import { fit, panBy, project, toPlace, toScreen, zoomAt } from "../../scatter/camera";
import type { Camera } from "../../scatter/camera";
import { nearest } from "../../scatter/hover";
import { STEPS, isMissing } from "../../scatter/points";
import type { SelectionMode } from "../class/selection";
import type { ClassSession } from "../class/session.svelte";

const REACH = 12; // radius in pixels in which the pointer finds a point

export type Tool = "pan" | "lasso" | "rectangle";

/** View and tool of the scatter plot, shared by canvas, tool bar and keys. */
export class Stage {
  readonly session: ClassSession;
  /** The canvas of the points, and the number of drawn frames. */
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

  /** `first` is the initial view; by default everything is shown. */
  constructor(session: ClassSession, first: Camera | null = null) {
    this.session = session;
    this.#first = first;
  }

  /** Sets the view for new points: for the first ones that of the address. */
  begin(): void {
    this.look(this.#first);
    this.#first = null;
  }

  /** Sets the view of an address; by default everything is shown. */
  look(camera: Camera | null): void {
    if (camera) this.camera = camera;
    else this.fit();
  }

  /** The camera, or null while it shows everything. */
  get moved(): Camera | null {
    const { x, y, zoom } = fit(this.session.points.extent);
    return this.camera.x === x && this.camera.y === y && this.camera.zoom === zoom ? null : this.camera;
  }

  /** The point near a position on the screen, or -1. */
  pointAt(x: number, y: number): number {
    const [left, top] = toPlace(this.projection, x, y);
    return nearest(this.session.hoverIndex, left, top, REACH / this.projection.unit, this.session.visible);
  }

  fit(): void {
    this.camera = fit(this.session.points.extent);
  }

  /** Moves the view by pixels to the right and down. */
  pan(right: number, down: number): void {
    this.camera = panBy(this.projection, right, down);
  }

  /** Centers a position unless it is visible. */
  reveal(x: number, y: number): void {
    const [left, top] = toScreen(this.projection, x, y);
    if (left >= 0 && left <= this.width && top >= 0 && top <= this.height) return;
    this.camera = { ...this.camera, x, y };
  }

  /** Position of a point on the screen, in pixels from the left and from the top. */
  screenOf(point: number): [number, number] {
    const { positions } = this.session.points;
    return toScreen(this.projection, positions[point * 2] / STEPS, positions[point * 2 + 1] / STEPS);
  }

  /** The same for a point; points without finite coordinates are ignored. */
  revealPoint(point: number): void {
    const { points } = this.session;
    if (!isMissing(points, point)) this.reveal(points.positions[point * 2] / STEPS, points.positions[point * 2 + 1] / STEPS);
  }

  zoom(factor: number): void {
    this.camera = zoomAt(this.projection, factor, this.width / 2, this.height / 2);
  }
}
