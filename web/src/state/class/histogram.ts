import type { Numbers } from "../../api/binary";
import { NONE } from "./coding";
import type { Limits } from "./coding";

export const BINS = 40;

/** How many points lie in each bin: in all, of those that pass the filter, and of those that are selected. */
export interface Histogram {
  all: Uint32Array;
  visible: Uint32Array;
  selected: Uint32Array;
}

/** The bin of each point on a scale between two limits, those outside in the first and last; NONE without a value. */
export function binsOf(values: Numbers, { low, high }: Limits): Uint8Array {
  const bins = new Uint8Array(values.length);
  const perUnit = high > low ? BINS / (high - low) : 0;
  for (let point = 0; point < bins.length; point++) {
    const value = values[point];
    bins[point] = Number.isFinite(value) ? Math.min(BINS - 1, Math.max(0, Math.floor((value - low) * perUnit))) : NONE;
  }
  return bins;
}

/** Counts by byte: of the bin, or of the category. */
export function histogram(bytes: Uint8Array, mask: Uint8Array, visible: Uint8Array | null): Histogram {
  const [all, seen, selected] = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];
  for (let point = 0; point < bytes.length; point++) {
    const passes = visible ? visible[point] : 1;
    all[bytes[point]]++;
    seen[bytes[point]] += passes;
    selected[bytes[point]] += passes & mask[point] & 1;
  }
  return { all, visible: seen, selected };
}

/** A value with no more digits than a pixel of the plot can mean. */
function tidy(value: number, { low, high }: Limits): number {
  const span = high - low;
  if (!(span > 0)) return value;
  const step = 10 ** (Math.floor(Math.log10(span)) - 2);
  return Number((Math.round(value / step) * step).toPrecision(12));
}

/**
 * The brush that a drag over places from 0 to 1 means: at the ends of the plot it is open, since bins there hold all beyond.
 * A click, and a drag over a column of one value, mean none: open on both sides.
 */
export function brushFrom(from: number, to: number, limits: Limits): { low: number; high: number } {
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const valueAt = (place: number) => tidy(limits.low + place * (limits.high - limits.low), limits);
  if (valueAt(left) === valueAt(right)) return { low: -Infinity, high: Infinity };
  return { low: left <= 0 ? -Infinity : valueAt(left), high: right >= 1 ? Infinity : valueAt(right) };
}
