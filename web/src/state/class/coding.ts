import type { Numbers } from "../../api/binary";
import { HUES, SHAPES } from "../../color/palette";
import { atRanks } from "./ordering";

/** Bytes of points without their own category: unknown (noise, NaN), and too rare for a color. */
export const NONE = 255;
export const OTHER = 254;
/** Codes of these two in addresses. */
export const NO_CODE = -1;
export const OTHER_CODE = -2;

const DISTINCT = HUES * SHAPES;
const NUMBERED = 253; // clusters show their number, so more of them can be distinguished
const STEPS = 254;
const LARGEST_CODE = 1 << 20; // larger codes are "other", which bounds the memory
const [LOW, HIGH] = [0.01, 0.99];
/** A range that is this much wider than its middle 98 % is drawn without its ends. */
const STRETCHED = 2;

/** Clusters and codes keep their numbers; ranked codes are listed by frequency. A negative code is missing. */
export type ColumnKind = "clusters" | "codes" | "ranked" | "numbers";

export interface Category {
  byte: number;
  /** The value in the column; NO_CODE or OTHER_CODE for the two collective entries. */
  code: number;
  count: number;
}

/** Limits of a scale, and the values outside. */
export interface Limits {
  low: number;
  high: number;
  /** True if these are the 1st and 99th percentile instead of the minimum and maximum. */
  robust: boolean;
  least: number;
  greatest: number;
  below: number;
  above: number;
  /** Points without a value. */
  missing: number;
}

/** A column as one byte per point: the index of its category, or its step on a scale. */
export interface Coding {
  bytes: Uint8Array;
  /** Empty if the column is a scale. */
  categories: Category[];
  limits: Limits | null;
}

export function codingOf(column: { values: Numbers; kind: ColumnKind }): Coding {
  if (column.kind === "numbers") return scaled(column.values);
  if (column.kind === "ranked") return ranked(column.values);
  return numbered(column.values, column.kind === "clusters" ? NUMBERED : DISTINCT);
}

/** The byte is the code, so that the color of a cluster does not depend on others. */
function numbered(values: Numbers, most: number): Coding {
  const bytes = new Uint8Array(values.length);
  for (let point = 0; point < bytes.length; point++) {
    const code = values[point];
    bytes[point] = code < 0 ? NONE : code < most ? code : OTHER;
  }
  return categorical(bytes, (byte) => byte);
}

/** Each of the most frequent codes gets a color, in order of frequency. */
function ranked(values: Numbers): Coding {
  const counts = countsOf(values);
  const order: number[] = [];
  counts.forEach((count, code) => count > 0 && order.push(code));
  order.sort((a, b) => counts[b] - counts[a] || a - b);
  const places = new Uint8Array(counts.length).fill(OTHER);
  order.slice(0, DISTINCT).forEach((code, place) => (places[code] = place));
  const bytes = new Uint8Array(values.length);
  for (let point = 0; point < bytes.length; point++) bytes[point] = values[point] < 0 ? NONE : (places[values[point]] ?? OTHER);
  return categorical(bytes, (byte) => order[byte]);
}

/** Frequency of each code. */
function countsOf(values: Numbers): Uint32Array {
  let greatest = -1;
  for (let point = 0; point < values.length; point++) if (values[point] > greatest) greatest = values[point];
  const counts = new Uint32Array(Math.min(greatest, LARGEST_CODE) + 1);
  for (let point = 0; point < values.length; point++) if (values[point] >= 0 && values[point] < counts.length) counts[values[point]]++;
  return counts;
}

function categorical(bytes: Uint8Array, codeOf: (byte: number) => number): Coding {
  const counts = new Uint32Array(256);
  for (let point = 0; point < bytes.length; point++) counts[bytes[point]]++;
  const categories: Category[] = [];
  counts.forEach((count, byte) => {
    if (count === 0) return;
    categories.push({ byte, code: byte === NONE ? NO_CODE : byte === OTHER ? OTHER_CODE : codeOf(byte), count });
  });
  return { bytes, categories, limits: null };
}

function scaled(values: Numbers): Coding {
  const limits = limitsOf(values);
  const bytes = new Uint8Array(values.length);
  const step = limits.high > limits.low ? (STEPS - 1) / (limits.high - limits.low) : 0;
  for (let point = 0; point < bytes.length; point++) {
    const value = values[point];
    if (!Number.isFinite(value)) bytes[point] = NONE;
    else bytes[point] = Math.round((Math.min(limits.high, Math.max(limits.low, value)) - limits.low) * step);
  }
  return { bytes, categories: [], limits };
}

export function limitsOf(values: Numbers): Limits {
  const shares = [0, LOW, HIGH, 1];
  const { finite, found } = atRanks(values, (finite) => (finite === 0 ? [] : shares.map((share) => Math.round(share * (finite - 1)))));
  const missing = values.length - finite;
  if (finite === 0) return { low: 0, high: 0, robust: false, least: 0, greatest: 0, below: 0, above: 0, missing };
  const [least, low, high, greatest] = found;
  const robust = high > low && greatest - least > STRETCHED * (high - low);
  if (!robust) return { low: least, high: greatest, robust, least, greatest, below: 0, above: 0, missing };
  let [below, above] = [0, 0];
  for (let point = 0; point < values.length; point++) {
    if (values[point] < low && values[point] >= least) below++;
    else if (values[point] > high && values[point] <= greatest) above++;
  }
  return { low, high, robust, least, greatest, below, above, missing };
}
