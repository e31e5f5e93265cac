import { STEPS, isMissing } from "./points";
import type { Points } from "./points";

/** A grid over the points: `order` lists them cell by cell, cell c from `starts[c]` to `starts[c + 1]`. */
export interface HoverIndex {
  points: Points;
  side: number;
  starts: Uint32Array;
  order: Uint32Array;
}

export function hoverIndex(points: Points): HoverIndex {
  const side = Math.min(1024, Math.max(1, Math.ceil(Math.sqrt(points.count / 2))));
  const cells = new Uint32Array(points.count);
  const starts = new Uint32Array(side * side + 1);
  for (let point = 0; point < points.count; point++) {
    const column = cellAt(points.positions[point * 2], side);
    cells[point] = cellAt(points.positions[point * 2 + 1], side) * side + column;
    starts[cells[point] + 1]++;
  }
  for (let cell = 0; cell < side * side; cell++) starts[cell + 1] += starts[cell];
  const next = starts.slice();
  const order = new Uint32Array(points.count);
  for (let point = 0; point < points.count; point++) order[next[cells[point]]++] = point;
  return { points, side, starts, order };
}

/** The nearest visible point to a position (0 to 1) within `radius`, or -1. */
export function nearest(index: HoverIndex, x: number, y: number, radius: number, visible: Uint8Array | null = null): number {
  const { points, side, starts, order } = index;
  const [left, right] = [cellAt((x - radius) * STEPS, side), cellAt((x + radius) * STEPS, side)];
  const [bottom, top] = [cellAt((y - radius) * STEPS, side), cellAt((y + radius) * STEPS, side)];
  let found = -1;
  let closest = (radius * STEPS) ** 2;
  for (let row = bottom; row <= top; row++) {
    for (let at = starts[row * side + left]; at < starts[row * side + right + 1]; at++) {
      const point = order[at];
      if (isMissing(points, point) || (visible && !visible[point])) continue;
      const distance = (points.positions[point * 2] - x * STEPS) ** 2 + (points.positions[point * 2 + 1] - y * STEPS) ** 2;
      if (distance <= closest) {
        closest = distance;
        found = point;
      }
    }
  }
  return found;
}

function cellAt(step: number, side: number): number {
  return Math.min(side - 1, Math.max(0, Math.floor((step / (STEPS + 1)) * side)));
}
