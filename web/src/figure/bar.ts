import { INK, MUTED, element, line, picture } from "./svg";

/** A color bar: colors from negative to positive, and the relevance at its end, null if each heatmap has its own. */
export interface Bar {
  href: string;
  end: string | null;
}

export const BAR_WIDTH = 84;

/** Vertical, positive at the top, numbers on the right. */
export function barAt(bar: Bar, x: number, y: number, height: number): string {
  const width = 12;
  const [high, low] = bar.end === null ? ["+ max", "− max"] : [`+${bar.end}`, `−${bar.end}`];
  return [
    element("g", { transform: `translate(${x} ${y + height}) rotate(-90)` }, picture(bar.href, 0, 0, height, width, true)),
    element("rect", { x, y, width, height, fill: "none", stroke: MUTED, "stroke-width": 0.5 }),
    ...[high, "0", low].map((words, place) => line(words, { x: x + width + 5, y: y + 4 + (place * (height - 4)) / 2 + 2, fill: INK, "font-size": 11 })),
  ].join("");
}
