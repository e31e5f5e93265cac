import { STEPS, isMissing } from "./points";
import type { Points } from "./points";

const STRIPS = 128;

/**
 * Positions of the points inside a polygon (even-odd rule), given as x0, y0, x1, y1, ... in places from 0 to 1.
 *
 * Edges are sorted into horizontal strips first, so a point is compared only with the edges at its own height.
 */
export function pointsInside(points: Points, polygon: readonly number[]): Int32Array {
  if (polygon.length < 6) return new Int32Array(0);
  const corners = Float64Array.from(polygon, (value) => value * STEPS);
  const box = bounds(corners);
  const stripHeight = (box.top - box.bottom) / STRIPS || 1;
  const stripOf = (y: number) => Math.min(STRIPS - 1, Math.max(0, Math.floor((y - box.bottom) / stripHeight)));
  const strips = edgesByStrip(corners, stripOf);
  const inside = new Int32Array(points.count);
  let count = 0;
  for (let point = 0; point < points.count; point++) {
    const x = points.positions[point * 2];
    const y = points.positions[point * 2 + 1];
    if (x < box.left || x > box.right || y < box.bottom || y > box.top || isMissing(points, point)) continue;
    if (crossings(corners, strips[stripOf(y)], x, y) % 2 === 1) inside[count++] = point;
  }
  return inside.slice(0, count);
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

function edgesByStrip(corners: Float64Array, stripOf: (y: number) => number): number[][] {
  const strips: number[][] = Array.from({ length: STRIPS }, () => []);
  for (let from = 0; from < corners.length; from += 2) {
    const to = (from + 2) % corners.length;
    const first = stripOf(Math.min(corners[from + 1], corners[to + 1]));
    const last = stripOf(Math.max(corners[from + 1], corners[to + 1]));
    for (let strip = first; strip <= last; strip++) strips[strip].push(from);
  }
  return strips;
}

/** How many edges a ray to the right of (x, y) meets. */
function crossings(corners: Float64Array, edges: readonly number[], x: number, y: number): number {
  let count = 0;
  for (const from of edges) {
    const to = (from + 2) % corners.length;
    const y0 = corners[from + 1];
    const y1 = corners[to + 1];
    if (y0 > y === y1 > y) continue;
    if (x < corners[from] + ((y - y0) / (y1 - y0)) * (corners[to] - corners[from])) count++;
  }
  return count;
}
