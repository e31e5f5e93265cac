import type { RelevanceMap, SeriesValues } from "../../api/binary";
import { ZERO } from "../../color/lookup";

/** Channels by descending relevance. */
export function strongest(map: Pick<RelevanceMap, "codes" | "height" | "width">): number[] {
  const sums = Array.from({ length: map.height }, (_, channel) => {
    const codes = map.codes.subarray(channel * map.width, (channel + 1) * map.width);
    return codes.reduce((sum, code) => sum + Math.abs(code - ZERO), 0);
  });
  return sums.map((_, channel) => channel).sort((a, b) => sums[b] - sums[a] || a - b);
}

/** Position in the relevance map of a channel and position of the input; maps may be summed over channels or pooled. */
export function placeInMap(map: Pick<RelevanceMap, "height" | "width">, channel: number, position: number, positions: number): number {
  return Math.min(channel, map.height - 1) * map.width + Math.min(map.width - 1, Math.floor((position * map.width) / positions));
}

/** Smallest and largest finite value of a channel; a constant channel gets a margin on both sides. */
export function extent(values: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 1, high + 1] : [low, high];
}

export function channelValues(series: SeriesValues, channel: number): Float32Array {
  return series.values.subarray(channel * series.length, (channel + 1) * series.length);
}

export interface Stroke {
  code: number;
  path: string;
}

/**
 * The line through points as few paths, one for each code: a segment has the code of its end with more relevance.
 * Points that are not finite interrupt the line.
 */
export function strokes(xs: ArrayLike<number>, ys: ArrayLike<number>, codes: ArrayLike<number>): Stroke[] {
  const paths = new Map<number, string[]>();
  let drawn = -1; // the code of the previous segment
  for (let at = 1; at < xs.length; at++) {
    if (!Number.isFinite(ys[at - 1]) || !Number.isFinite(ys[at])) {
      drawn = -1;
      continue;
    }
    const [left, right] = [codes[at - 1], codes[at]];
    const code = Math.abs(left - ZERO) >= Math.abs(right - ZERO) ? left : right;
    const path = paths.get(code) ?? [];
    if (drawn !== code) path.push(`M${short(xs[at - 1])} ${short(ys[at - 1])}`);
    path.push(`L${short(xs[at])} ${short(ys[at])}`);
    paths.set(code, path);
    drawn = code;
  }
  const weakest = [...paths].sort(([a], [b]) => Math.abs(a - ZERO) - Math.abs(b - ZERO)); // strong relevance is drawn on top
  return weakest.map(([code, path]) => ({ code, path: path.join("") }));
}

/** Round numbers between two numbers, about as many as requested. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const rough = (high - low) / Math.max(1, wanted);
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** The coordinate of a position, in seconds if the rate is known. */
export function placeOf(position: number, rate: number | null): number {
  return rate === null ? position : position / rate;
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Shortens a line to at most `longest` points: the smallest and the largest value of each part, as on the server. */
export function decimated(values: Float32Array, longest: number): Float32Array {
  if (values.length <= longest) return values;
  const parts = Math.floor(longest / 2);
  const kept = new Float32Array(2 * parts);
  for (let part = 0; part < parts; part++) {
    const [start, stop] = [Math.floor((part * values.length) / parts), Math.floor(((part + 1) * values.length) / parts)];
    let [least, most] = [start, start];
    for (let at = start; at < stop; at++) {
      if (values[at] < values[least]) least = at;
      if (values[at] > values[most]) most = at;
    }
    kept.set([values[Math.min(least, most)], values[Math.max(least, most)]], 2 * part);
  }
  return kept;
}
