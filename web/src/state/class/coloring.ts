import { hue, neutral, rgb, scaleColor, shape } from "../../color/palette";
import type { Theme } from "../../color/palette";
import { NONE, NO_CODE, OTHER, OTHER_CODE } from "./coding";
import type { Coding } from "./coding";
import type { PointColumn } from "./pointcolumns";

export interface LegendEntry {
  /** The byte of its points. */
  value: number;
  code: number;
  name: string;
  count: number;
  color: string;
  shape: number;
}

/** Colors of the points and their meaning. */
export interface Coloring {
  values: Uint8Array;
  table: Uint8Array;
  /** Empty if the colors are a scale. */
  legend: LegendEntry[];
}

export function coloringOf(column: PointColumn, coding: Coding, theme: Theme): Coloring {
  const legend = coding.categories.map(({ byte, code, count }) => {
    const gathered = byte === NONE || byte === OTHER;
    const color = gathered ? neutral(theme, byte === OTHER) : hue(byte, theme);
    return { value: byte, code, count, name: entryName(column, code), color, shape: gathered ? 0 : shape(byte) };
  });
  return { values: coding.bytes, table: coding.limits ? scaleTable(theme) : categoryTable(theme), legend };
}

export function entryName(column: PointColumn, code: number): string {
  if (code === NO_CODE) return column.none;
  return code === OTHER_CODE ? "other" : column.nameOf(code);
}

function categoryTable(theme: Theme): Uint8Array {
  const table = new Uint8Array(256 * 4);
  for (let byte = 0; byte < OTHER; byte++) table.set([...rgb(hue(byte, theme)), shape(byte)], byte * 4);
  table.set([...rgb(neutral(theme, true)), 0], OTHER * 4);
  table.set([...rgb(neutral(theme)), 0], NONE * 4);
  return table;
}

function scaleTable(theme: Theme): Uint8Array {
  const table = new Uint8Array(256 * 4);
  for (let step = 0; step < OTHER; step++) table.set(scaleColor(step / (OTHER - 1), theme), step * 4);
  table.set(rgb(neutral(theme)), NONE * 4);
  return table;
}
