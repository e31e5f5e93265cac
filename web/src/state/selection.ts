import { SELECTED } from "../scatter/renderer";

export type SelectionMode = "replace" | "add" | "subtract";

/** A new mask with the points set, added or taken away; other bits of the mask stay. */
export function changeSelection(mask: Uint8Array, points: Iterable<number>, mode: SelectionMode): Uint8Array {
  const next = mode === "replace" ? mask.map((bits) => bits & ~SELECTED) : mask.slice();
  for (const point of points) {
    if (mode === "subtract") next[point] &= ~SELECTED;
    else next[point] |= SELECTED;
  }
  return next;
}

export function selectedPoints(mask: Uint8Array): Int32Array {
  const points: number[] = [];
  for (let point = 0; point < mask.length; point++) if (mask[point] & SELECTED) points.push(point);
  return Int32Array.from(points);
}

/** Shift adds, Alt takes away, and without either the chosen mode holds. */
export function modeOf(event: { shiftKey: boolean; altKey: boolean }, chosen: SelectionMode = "replace"): SelectionMode {
  if (event.altKey) return "subtract";
  return event.shiftKey ? "add" : chosen;
}
