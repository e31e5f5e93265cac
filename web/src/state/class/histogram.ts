import type { Numbers } from "../../api/binary";
import { NONE } from "./coding";
import type { Limits } from "./coding";

export const BINS = 40;

/** Number of points in each bin: all, those that pass the filter, and the selected ones. */
export interface Histogram {
  all: Uint32Array;
  visible: Uint32Array;
  selected: Uint32Array;
}

/** The bin of each point on a scale between two limits; values outside are in the first and last; NONE if missing. */
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

/** Rounds a value to the precision of a pixel of the plot. */
function tidy(value: number, { low, high }: Limits): number {
  const span = high - low;
  if (!(span > 0)) return value;
  const step = 10 ** (Math.floor(Math.log10(span)) - 2);
  return Number((Math.round(value / step) * step).toPrecision(12));
}

/**
 * The brush of a drag over positions from 0 to 1. It is open at the ends of the plot, since the bins there contain all
 * values beyond. A click, and a drag over a column of one value, mean no brush: open on both sides.
 */
export function brushFrom(from: number, to: number, limits: Limits): { low: number; high: number } {
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const valueAt = (place: number) => tidy(limits.low + place * (limits.high - limits.low), limits);
  if (valueAt(left) === valueAt(right)) return { low: -Infinity, high: Infinity };
  return { low: left <= 0 ? -Infinity : valueAt(left), high: right >= 1 ? Infinity : valueAt(right) };
}
