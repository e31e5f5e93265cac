import { element } from "./svg";
import type { Attributes } from "./svg";

/** A point's shape, as in the scatter plot: 0 disc, 1 square, 2 diamond, 3 triangle. */
export function mark(shape: number, x: number, y: number, radius: number, attributes: Attributes): string {
  const at = (dx: number, dy: number) => `${round(x + dx * radius)} ${round(y + dy * radius)}`;
  if (shape === 1) return element("rect", { x: round(x - radius * 0.87), y: round(y - radius * 0.87), width: radius * 1.74, height: radius * 1.74, ...attributes });
  if (shape === 2) return element("path", { d: `M${at(0, -1.05)}L${at(1.05, 0)}L${at(0, 1.05)}L${at(-1.05, 0)}z`, ...attributes });
  if (shape === 3) return element("path", { d: `M${at(0, -1.1)}L${at(1.05, 0.75)}L${at(-1.05, 0.75)}z`, ...attributes });
  return element("circle", { cx: round(x), cy: round(y), r: radius, ...attributes });
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
