import { mark } from "./mark";
import { INK, MARGIN, MUTED, drawing, element, fitting, line, picture } from "./svg";
import type { Drawing } from "./svg";

/** A point in pixels of the view, y downwards. */
export interface DrawnPoint {
  x: number;
  y: number;
  color: string;
  shape: number;
  radius: number;
  opacity: number;
}

export interface ScatterFigure {
  title: string;
  words: string;
  width: number;
  height: number;
  /** Points as shapes, or all of them in one image. */
  points: readonly DrawnPoint[] | { href: string };
  labels: readonly { text: string; x: number; y: number; color: string }[];
  legend: readonly { name: string; count: string; color: string; shape: number }[];
  /** Set if the colors are a scale. */
  scale: { name: string; href: string; low: string; high: string } | null;
  note: string;
}

const HEAD = 46;
const ENTRY = { width: 172, height: 18 };

/** The current view of the scatter plot, with its legend below. */
export function scatterFigure(figure: ScatterFigure): Drawing {
  const { width, height, legend, scale } = figure;
  const whole = Math.max(360, width + 2 * MARGIN);
  const top = MARGIN + HEAD;
  const columns = Math.max(1, Math.floor((whole - 2 * MARGIN) / ENTRY.width));
  const rows = scale ? 1 : Math.ceil(legend.length / columns);
  const below = top + height + 14;
  const room = whole - 2 * MARGIN;
  const clip = element("clipPath", { id: "view" }, element("rect", { width, height }));
  const parts = [
    element("defs", {}, clip),
    line(fitting(figure.title, room, 15), { x: MARGIN, y: MARGIN + 14, "font-size": 15, "font-weight": "bold" }),
    line(fitting(figure.words, room), { x: MARGIN, y: MARGIN + 33, fill: MUTED }),
    element("g", { transform: `translate(${MARGIN} ${top})`, "clip-path": "url(#view)" }, `${pointsOf(figure)}${labelsOf(figure)}` || " "),
    element("rect", { x: MARGIN, y: top, width, height, fill: "none", stroke: "#c9c9c4", "stroke-width": 0.5 }),
    ...(scale ? [scaleAt(scale, MARGIN, below)] : legend.map((entry, at) => legendAt(entry, MARGIN + (at % columns) * ENTRY.width, below + Math.floor(at / columns) * ENTRY.height))),
    line(fitting(figure.note, room, 10), { x: MARGIN, y: below + rows * ENTRY.height + 14, "font-size": 10, fill: MUTED }),
  ];
  return drawing(whole, below + rows * ENTRY.height + 14 + MARGIN, figure.title, parts);
}

function pointsOf({ points, width, height }: ScatterFigure): string {
  if ("href" in points) return picture(points.href, 0, 0, width, height, false);
  return points.map(({ x, y, color, shape, radius, opacity }) => mark(shape, x, y, radius, { fill: color, "fill-opacity": opacity, stroke: "#ffffff", "stroke-width": 0.5 })).join("\n");
}

function labelsOf({ labels }: ScatterFigure): string {
  return labels
    .map(({ text, x, y, color }) => {
      const half = Math.max(10.5, text.length * 3.6 + 5);
      const chip = element("rect", { x: x - half, y: y - 10.5, width: half * 2, height: 21, rx: 10.5, fill: "#ffffff", "fill-opacity": 0.9, stroke: color, "stroke-width": 2 });
      return chip + line(text, { x, y: y + 4.3, "text-anchor": "middle", "font-weight": "bold", fill: INK });
    })
    .join("\n");
}

function legendAt(entry: ScatterFigure["legend"][number], x: number, y: number): string {
  const words = `${fitting(entry.name, ENTRY.width - 26 - entry.count.length * 7)} (${entry.count})`;
  return mark(entry.shape, x + 6, y + 7, 5, { fill: entry.color }) + line(words, { x: x + 17, y: y + 11 });
}

function scaleAt({ name, href, low, high }: NonNullable<ScatterFigure["scale"]>, x: number, y: number): string {
  const start = x + name.length * 6.6 + 12 + low.length * 6.6 + 8;
  return [
    line(name, { x, y: y + 11, fill: MUTED }),
    line(low, { x: start - 6, y: y + 11, "text-anchor": "end" }),
    picture(href, start, y + 1, 160, 12, false),
    line(high, { x: start + 166, y: y + 11 }),
  ].join("");
}
