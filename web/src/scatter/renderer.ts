import type { Projection } from "./camera";
import type { Points } from "./points";
import type { Rgb } from "../color/palette";

/** Bits of a point's byte in the mask. */
export const SELECTED = 1;
export const HIDDEN = 2;

/** A table of 256 colors: red, green, blue and, in the fourth byte, the shape (0 disc, 1 square, 2 diamond, 3 triangle). */
export type ColorTable = Uint8Array;

/** Settings of one frame. */
export interface View {
  projection: Projection;
  pixelRatio: number;
  background: Rgb;
  /** Draw one of this many points; 1 draws all. */
  every: number;
  /** Draw only selected points. */
  onlySelected: boolean;
}

/** Renderer of the points. Nothing is drawn until `draw` is called. */
export interface ScatterRenderer {
  setPoints(points: Points): void;
  /** One index into the table for each point. */
  setColors(values: Uint8Array, table: ColorTable): void;
  setMask(mask: Uint8Array, anySelected: boolean): void;
  draw(view: View): void;
  /** Milliseconds of the last drawing of all points; 0 if unknown. */
  readonly cost: number;
  dispose(): void;
}

const FLUENT = 40; // milliseconds for a frame of a moving view
const SPARSEST = 32;

/** While the view moves, one of this many points is drawn if drawing all of them would be too slow. */
export function everyWhileMoving(cost: number): number {
  return Math.min(SPARSEST, Math.max(1, Math.ceil(cost / FLUENT)));
}

/** The diameter in pixels at which single points are visible and many points remain separate. */
export function pointSize(count: number, zoom: number): number {
  const size = 30 * Math.max(count, 1) ** -0.22;
  return Math.min(14, Math.max(1.5, size) * Math.min(3, zoom ** 0.35));
}

/** Many points are drawn translucent, so that overlapping points show their density. */
export function pointOpacity(count: number): number {
  return Math.min(0.95, Math.max(0.25, 3.2 * Math.max(count, 1) ** -0.2));
}
