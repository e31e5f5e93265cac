import { BAR_WIDTH, barAt } from "./bar";
import type { Bar } from "./bar";
import { mark } from "./mark";
import { cellAt } from "./sample";
import type { Cell } from "./sample";
import { MARGIN, MUTED, drawing, fitting, line } from "./svg";
import type { Drawing } from "./svg";

export interface GridRow {
  /** Empty if the row has no title. */
  title: string;
  color: string;
  shape: number;
  cells: readonly Cell[];
  /** The relevance of full color in this row, if rows differ. */
  end: string | null;
}

export interface GridFigure {
  title: string;
  words: string;
  rows: readonly GridRow[];
  bar: Bar | null;
  note: string;
}

const SIDE = 110;
const GAP = 8;
const CAPTION = 18;
const TITLES = 110;
const HEAD = 46;

/** Size in CSS pixels of an image with this aspect ratio (width / height). */
export function cellSize(aspect: number): { width: number; height: number } {
  const width = aspect > 1 ? SIDE * Math.min(aspect, 2) : SIDE * aspect;
  return { width, height: width / aspect };
}

/** Samples in rows with captions below and one color bar on the right; a row may be a cluster. */
export function gridFigure({ title, words, rows, bar, note }: GridFigure): Drawing {
  const cells = rows.flatMap((row) => row.cells);
  const aspect = Math.max(0.2, ...cells.map((cell) => cell.width / cell.height));
  const { width, height } = cellSize(aspect);
  const columns = Math.max(1, ...rows.map((row) => row.cells.length));
  const titles = rows.some((row) => row.title) ? TITLES : 0;
  const pitch = height + CAPTION + GAP;
  const whole = Math.max(420, 2 * MARGIN + titles + columns * (width + GAP) + (bar ? GAP + BAR_WIDTH : 0));
  const room = whole - 2 * MARGIN;
  const parts = [
    line(fitting(title, room, 15), { x: MARGIN, y: MARGIN + 14, "font-size": 15, "font-weight": "bold" }),
    line(fitting(words, room), { x: MARGIN, y: MARGIN + 33, fill: MUTED }),
  ];
  rows.forEach((row, at) => {
    const top = MARGIN + HEAD + at * pitch;
    if (titles) parts.push(rowTitle(row, top));
    row.cells.forEach((cell, column) => {
      const left = MARGIN + titles + column * (width + GAP);
      const high = Math.min(height, (width * cell.height) / cell.width);
      parts.push(cellAt(cell, left, top, (high * cell.width) / cell.height, high));
      parts.push(line(fitting(cell.caption, width, 10), { x: left, y: top + height + 12, "font-size": 10, fill: MUTED }));
    });
  });
  const bottom = MARGIN + HEAD + rows.length * pitch;
  if (bar) parts.push(barAt(bar, MARGIN + titles + columns * (width + GAP) + GAP, MARGIN + HEAD, Math.min(220, Math.max(60, bottom - MARGIN - HEAD - GAP - CAPTION))));
  parts.push(line(fitting(note, room, 10), { x: MARGIN, y: bottom + 10, fill: MUTED, "font-size": 10 }));
  return drawing(whole, bottom + MARGIN + 8, title, parts);
}

function rowTitle({ title, color, shape, end }: GridRow, top: number): string {
  const [name, ...rest] = title.split("\n");
  const lines = [...rest, ...(end === null ? [] : [`±${end}`])];
  return [
    mark(shape, MARGIN + 5, top + 8, 5, { fill: color }),
    line(fitting(name, TITLES - 20), { x: MARGIN + 15, y: top + 12, "font-weight": "bold" }),
    ...lines.map((words, at) => line(words, { x: MARGIN + 15, y: top + 27 + 14 * at, "font-size": 10, fill: MUTED })),
  ].join("");
}
