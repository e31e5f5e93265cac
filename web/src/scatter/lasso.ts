import { MISSING, STEPS } from "./points";
import type { Points } from "./points";

const STRIPS = 128;

/**
 * Indices of the points inside a polygon (even-odd rule), given as x0, y0, x1, y1, ... in positions from 0 to 1.
 *
 * Edges are sorted into horizontal strips first, so a point is compared only with the edges at its own height.
 */
export function pointsInside(points: Points, polygon: readonly number[]): Int32Array {
  if (polygon.length < 6) return new Int32Array(0);
  const { positions, count } = points;
  const corners = Float64Array.from(polygon, (value) => value * STEPS);
  const { left, right, bottom, top } = bounds(corners);
  const strips = edgesByStrip(corners, bottom, top);
  const perStep = STRIPS / (top - bottom || 1);
  const inside = new Int32Array(count);
  let found = 0;
  for (let point = 0; point < count; point++) {
    const x = positions[point * 2];
    const y = positions[point * 2 + 1];
    if (x < left || x > right || y < bottom || y > top || x === MISSING) continue;
    const strip = Math.min(STRIPS - 1, Math.floor((y - bottom) * perStep));
    if (isWithin(strips, strip, x, y)) inside[found++] = point;
  }
  return inside.slice(0, found);
}

function bounds(corners: Float64Array) {
  const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (let at = 0; at < corners.length; at += 2) {
    box.left = Math.min(box.left, corners[at]);
    box.right = Math.max(box.right, corners[at]);
    box.bottom = Math.min(box.bottom, corners[at + 1]);
    box.top = Math.max(box.top, corners[at + 1]);
  }
  return box;
}

/** Edges x0, y0, x1, y1 strip by strip: those of strip s are from `starts[s]` to `starts[s + 1]`. */
interface Strips {
  starts: Int32Array;
  edges: Float64Array;
}

function edgesByStrip(corners: Float64Array, bottom: number, top: number): Strips {
  const stripOf = (y: number) => Math.min(STRIPS - 1, Math.floor(((y - bottom) / (top - bottom || 1)) * STRIPS));
  const strips: number[][] = Array.from({ length: STRIPS }, () => []);
  for (let from = 0; from < corners.length; from += 2) {
    const to = (from + 2) % corners.length;
    const edge = [corners[from], corners[from + 1], corners[to], corners[to + 1]];
    const first = stripOf(Math.min(edge[1], edge[3]));
    const last = stripOf(Math.max(edge[1], edge[3]));
    for (let strip = first; strip <= last; strip++) strips[strip].push(...edge);
  }
  const starts = new Int32Array(STRIPS + 1);
  strips.forEach((edges, strip) => (starts[strip + 1] = starts[strip] + edges.length));
  return { starts, edges: Float64Array.from(strips.flat()) };
}

/** True if a ray to the right of (x, y) meets an odd number of edges. */
function isWithin({ starts, edges }: Strips, strip: number, x: number, y: number): boolean {
  let within = false;
  for (let at = starts[strip]; at < starts[strip + 1]; at += 4) {
    const y0 = edges[at + 1];
    const y1 = edges[at + 3];
    if (y0 > y === y1 > y) continue;
    if (x < edges[at] + ((y - y0) / (y1 - y0)) * (edges[at + 2] - edges[at])) within = !within;
  }
  return within;
}
