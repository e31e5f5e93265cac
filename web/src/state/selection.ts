import { SELECTED } from "../scatter/renderer";

export type SelectionMode = "replace" | "add" | "subtract";

/** A new mask with the points set, added or taken away; other bits of the mask stay. */
export function changeSelection(mask: Uint8Array, points: ArrayLike<number>, mode: SelectionMode): Uint8Array {
  const next = mode === "replace" ? mask.map((bits) => bits & ~SELECTED) : mask.slice();
  for (let at = 0; at < points.length; at++) {
    if (mode === "subtract") next[points[at]] &= ~SELECTED;
    else next[points[at]] |= SELECTED;
  }
  return next;
}

export function selectedPoints(mask: Uint8Array): Int32Array {
  let count = 0;
  for (let point = 0; point < mask.length; point++) count += mask[point] & SELECTED;
  const points = new Int32Array(count);
  let at = 0;
  for (let point = 0; point < mask.length; point++) if (mask[point] & SELECTED) points[at++] = point;
  return points;
}

/** Points whose value is this one. */
export function pointsWhere(values: Int32Array | Uint8Array, value: number): Int32Array {
  let count = 0;
  for (let point = 0; point < values.length; point++) if (values[point] === value) count++;
  const points = new Int32Array(count);
  let at = 0;
  for (let point = 0; point < values.length; point++) if (values[point] === value) points[at++] = point;
  return points;
}

/** The clusters of which every point is selected. */
export function whollySelected(mask: Uint8Array, clusters: Int32Array): Set<number> {
  const [inside, outside] = [new Set<number>(), new Set<number>()];
  for (let point = 0; point < clusters.length; point++) (mask[point] & SELECTED ? inside : outside).add(clusters[point]);
  for (const cluster of outside) inside.delete(cluster);
  return inside;
}

/** Shift adds, Alt takes away, and without either the chosen mode holds. */
export function modeOf(event: { shiftKey: boolean; altKey: boolean }, chosen: SelectionMode = "replace"): SelectionMode {
  if (event.altKey) return "subtract";
  return event.shiftKey ? "add" : chosen;
}
