import type { Box } from "../color/pixels";
import { BAR_WIDTH, barAt } from "./bar";
import type { Bar } from "./bar";
import { MARGIN, MUTED, drawing, element, fitting, line, picture } from "./svg";
import type { Drawing } from "./svg";

/** An image in a figure; it is scaled to its width and height. */
export interface Cell {
  href: string;
  width: number;
  height: number;
  pixelated: boolean;
  caption: string;
  /** A rectangle over the image, in shares of its width and height. */
  outline?: Box | null;
}

/** The image of a cell at a place of the figure, with its outline. */
export function cellAt({ href, pixelated, outline }: Cell, left: number, top: number, width: number, height: number): string {
  const image = picture(href, left, top, width, height, pixelated);
  if (!outline) return image;
  const place = { x: left + outline.left * width, y: top + outline.top * height, width: outline.width * width, height: outline.height * height };
  const lines = [["#000000", 3], ["#ffffff", 1]].map(([stroke, thick]) => element("rect", { ...place, fill: "none", stroke, "stroke-width": thick }));
  return [image, ...lines].join("");
}

export interface SampleFigure {
  title: string;
  /** Metadata of the sample, one line. */
  words: string;
  cells: readonly Cell[];
  bar: Bar | null;
  /** Description of the colors. */
  note: string;
}

const HEIGHT = 240;
const GAP = 14;
const HEAD = 46;
const FOOT = 46;

/** One sample: its images side by side, captions below, the color bar on the right. */
export function sampleFigure({ title, words, cells, bar, note }: SampleFigure): Drawing {
  const widths = cells.map((cell) => (HEIGHT * cell.width) / cell.height);
  const pictures = widths.reduce((sum, width) => sum + width + GAP, -GAP);
  const width = Math.max(360, 2 * MARGIN + pictures + (bar ? GAP + BAR_WIDTH : 0));
  const room = width - 2 * MARGIN;
  const top = MARGIN + HEAD;
  const parts = [
    line(fitting(title, room, 15), { x: MARGIN, y: MARGIN + 14, "font-size": 15, "font-weight": "bold" }),
    line(fitting(words, room), { x: MARGIN, y: MARGIN + 33, fill: MUTED }),
  ];
  let left = MARGIN;
  cells.forEach((cell, place) => {
    parts.push(cellAt(cell, left, top, widths[place], HEIGHT));
    parts.push(line(cell.caption, { x: left + widths[place] / 2, y: top + HEIGHT + 16, "text-anchor": "middle" }));
    left += widths[place] + GAP;
  });
  if (bar) parts.push(barAt(bar, left, top, HEIGHT));
  parts.push(line(fitting(note, room, 10), { x: MARGIN, y: top + HEIGHT + 38, fill: MUTED, "font-size": 10 }));
  return drawing(width, top + HEIGHT + FOOT + MARGIN / 2, title, parts);
}
