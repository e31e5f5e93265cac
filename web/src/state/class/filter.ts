import type { Numbers } from "../../api/binary";
import type { Coding } from "./coding";
import type { PointColumns } from "./pointcolumns";

/** Entries of a legend that are hidden, by their codes. */
export interface Hiding {
  column: string;
  codes: readonly number[];
}

/** Values from `low` to `high`, both included; an infinite end is open. */
export interface Brush {
  column: string;
  low: number;
  high: number;
}

export interface FilterState {
  hidings: readonly Hiding[];
  brushes: readonly Brush[];
}

export const NO_FILTER: FilterState = { hidings: [], brushes: [] };

/** Replaces the condition on this column; an empty one is removed. */
export function withHiding(state: FilterState, column: string, codes: readonly number[]): FilterState {
  const others = state.hidings.filter((hiding) => hiding.column !== column);
  return { ...state, hidings: codes.length > 0 ? [...others, { column, codes: [...codes].sort((a, b) => a - b) }] : others };
}

export function withBrush(state: FilterState, column: string, low: number, high: number): FilterState {
  const others = state.brushes.filter((brush) => brush.column !== column);
  const open = low === -Infinity && high === Infinity;
  return { ...state, brushes: open ? others : [...others, { column, low, high }] };
}

/** 1 for each point that passes; null without filters. Columns that are not loaded do not filter. */
export function passing(size: number, { hidings, brushes }: FilterState, columns: Pick<PointColumns, "get" | "coding">): Uint8Array | null {
  if (hidings.length + brushes.length === 0) return null;
  const visible = new Uint8Array(size).fill(1);
  for (const { column, codes } of hidings) {
    const found = columns.get(column);
    if (found) applyHiding(visible, columns.coding(found), codes);
  }
  for (const { column, low, high } of brushes) {
    const found = columns.get(column);
    if (found) applyBrush(visible, found.values, low, high);
  }
  return visible;
}

/** Removes the points of hidden entries from `visible`. */
export function applyHiding(visible: Uint8Array, { bytes, categories }: Coding, codes: readonly number[]): void {
  const shown = new Uint8Array(256).fill(1);
  for (const { byte, code } of categories) if (codes.includes(code)) shown[byte] = 0;
  for (let point = 0; point < visible.length; point++) visible[point] &= shown[bytes[point]];
}

/** Removes the points outside of the brush from `visible`; NaN is outside of every brush. */
export function applyBrush(visible: Uint8Array, values: Numbers, low: number, high: number): void {
  for (let point = 0; point < visible.length; point++) {
    if (!(values[point] >= low && values[point] <= high)) visible[point] = 0;
  }
}

export function countOnes(flags: Uint8Array): number {
  let count = 0;
  for (let point = 0; point < flags.length; point++) count += flags[point];
  return count;
}

/** `column:0,-1;other:3` for addresses; null without hidden entries. */
export function formatHidings(hidings: readonly Hiding[]): string | null {
  return joined(hidings.map(({ column, codes }) => `${encodeURIComponent(column)}:${codes.join()}`));
}

/** `column:0.2:0.8`, an open end empty. */
export function formatBrushes(brushes: readonly Brush[]): string | null {
  const end = (value: number) => (Number.isFinite(value) ? String(value) : "");
  return joined(brushes.map(({ column, low, high }) => `${encodeURIComponent(column)}:${end(low)}:${end(high)}`));
}

/** Parses the text of `formatHidings`; invalid parts are ignored. */
export function parseHidings(text: string | null): Hiding[] {
  return partsOf(text).flatMap(([column, codes = ""]) => {
    const numbers = codes.split(",").map((code) => (/^-?\d{1,9}$/.test(code) ? Number(code) : NaN));
    return numbers.every(Number.isInteger) ? [{ column, codes: numbers }] : [];
  });
}

export function parseBrushes(text: string | null): Brush[] {
  return partsOf(text).flatMap(([column, from = "", to = ""]) => {
    const [low, high] = [from === "" ? -Infinity : Number(from), to === "" ? Infinity : Number(to)];
    const open = low === -Infinity && high === Infinity;
    return Number.isNaN(low) || Number.isNaN(high) || open ? [] : [{ column, low, high }];
  });
}

const MOST_CONDITIONS = 32; // limit for hand-written addresses

/** One condition for each column: the last one. */
function partsOf(text: string | null): string[][] {
  const parts = new Map<string, string[]>();
  for (const condition of text?.split(";", MOST_CONDITIONS) ?? []) {
    const [encoded, ...rest] = condition.split(":");
    const column = decoded(encoded);
    if (column) parts.set(column, [column, ...rest]);
  }
  return [...parts.values()];
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function joined(parts: string[]): string | null {
  return parts.length > 0 ? parts.join(";") : null;
}
