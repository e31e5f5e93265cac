import { scaleColor } from "../color/palette";
import type { Theme } from "../color/palette";
import type { Projection } from "./camera";
import { MISSING, STEPS } from "./points";
import type { Points } from "./points";

/** Side of a cell in pixels of the screen; single points stay visible. */
export const DENSITY_CELL = 2;

/** Number of points in each cell of the view, row by row from the top. */
export interface Density {
  counts: Uint32Array;
  width: number;
  height: number;
  most: number;
}

/** Counts visible points in square cells of this many pixels. */
export function density(points: Points, { camera, viewport, unit }: Projection, cell: number, visible: Uint8Array | null = null): Density {
  const width = Math.max(1, Math.ceil(viewport.width / cell));
  const height = Math.max(1, Math.ceil(viewport.height / cell));
  const counts = new Uint32Array(width * height);
  const { positions, count } = points;
  const step = unit / STEPS / cell;
  const left = (viewport.width / 2 - camera.x * unit) / cell;
  const top = (viewport.height / 2 + camera.y * unit) / cell;
  for (let point = 0; point < count; point++) {
    const position = positions[point * 2];
    if (position === MISSING || (visible !== null && visible[point] === 0)) continue;
    const column = Math.floor(left + position * step);
    const row = Math.floor(top - positions[point * 2 + 1] * step);
    if (column >= 0 && column < width && row >= 0 && row < height) counts[row * width + column]++;
  }
  let most = 0;
  for (let at = 0; at < counts.length; at++) if (counts[at] > most) most = counts[at];
  return { counts, width, height, most };
}

/** Colors on a logarithmic scale from 1 to the maximum; empty cells are transparent. */
export function densityColors({ counts, most }: Density, theme: Theme): Uint8ClampedArray<ArrayBuffer> {
  const table = new Uint32Array(256);
  const bytes = new Uint8ClampedArray(table.buffer);
  for (let shade = 0; shade < 256; shade++) bytes.set([...scaleColor(shade / 255, theme), 255], shade * 4);
  const pixels = new Uint32Array(counts.length);
  const steps = 255 / Math.log(Math.max(2, most));
  for (let at = 0; at < counts.length; at++) {
    if (counts[at] > 0) pixels[at] = table[Math.min(255, Math.round(Math.log(counts[at]) * steps))];
  }
  return new Uint8ClampedArray(pixels.buffer);
}
