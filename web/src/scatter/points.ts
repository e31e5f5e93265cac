/** Points for the renderer: one scale for both axes, so that distances keep their ratio. */
export interface Points {
  /** x0, y0, x1, y1, ... between 0 and STEPS, or MISSING. */
  positions: Uint16Array;
  count: number;
  /** Number of points without finite coordinates, which are listed but not drawn. */
  missing: number;
  /** Extent of the other points, between 0 and 1. */
  extent: Extent;
}

export interface Extent {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

export const STEPS = 65534;
export const MISSING = 65535;

export function isMissing(points: Points, point: number): boolean {
  return points.positions[point * 2] === MISSING;
}

/** Quantized positions and values derived from them. */
export function pointsOf(positions: Uint16Array): Points {
  const count = positions.length / 2;
  let [left, right, bottom, top, missing] = [STEPS, 0, STEPS, 0, 0];
  for (let at = 0; at < positions.length; at += 2) {
    const x = positions[at];
    const y = positions[at + 1];
    if (x === MISSING) {
      missing++;
      continue;
    }
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < bottom) bottom = y;
    if (y > top) top = y;
  }
  if (missing === count) return { positions, count, missing, extent: { left: 0, right: 1, bottom: 0, top: 1 } };
  return { positions, count, missing, extent: { left: left / STEPS, right: right / STEPS, bottom: bottom / STEPS, top: top / STEPS } };
}

/**
 * Quantizes two columns of an embedding (n, dimensions); an embedding of one dimension is drawn on a line. The server's
 * `quantize` does the same.
 */
export function quantize(embedding: Float32Array, dimensions: number, axes: readonly [number, number]): Uint16Array {
  const count = dimensions > 0 ? Math.floor(embedding.length / dimensions) : 0;
  const read = (point: number, axis: number) => (axis < dimensions ? embedding[point * dimensions + axis] : 0);
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  const isFinite = (point: number) => Number.isFinite(read(point, axes[0])) && Number.isFinite(read(point, axes[1]));
  for (let point = 0; point < count; point++) {
    if (!isFinite(point)) continue;
    for (let side = 0; side < 2; side++) {
      const value = read(point, axes[side]);
      if (value < low[side]) low[side] = value;
      if (value > high[side]) high[side] = value;
    }
  }
  const size = Math.max(high[0] - low[0], high[1] - low[1]) || 1;
  const positions = new Uint16Array(count * 2).fill(MISSING);
  for (let point = 0; point < count; point++) {
    if (!isFinite(point)) continue;
    for (let side = 0; side < 2; side++) {
      const place = (read(point, axes[side]) - (low[side] + high[side]) / 2) / size + 0.5;
      positions[point * 2 + side] = Math.round(place * STEPS);
    }
  }
  return positions;
}

/** The middle of each cluster: the median of each coordinate, which is robust against outliers. */
export function middles(points: Points, clusters: Int32Array, ids: readonly number[]): ({ x: number; y: number } | null)[] {
  const row = new Map(ids.map((id, at) => [id, at]));
  const lowest = Math.min(0, ...ids);
  const rows = new Int32Array(Math.max(0, ...ids) - lowest + 1).fill(-1); // looked up a million times
  for (const [id, at] of row) rows[id - lowest] = at;
  const rowOf = (point: number) => rows[clusters[point] - lowest] ?? -1;
  const [x, y] = [0, 1].map((side) => medians(points, side, rowOf, ids.length));
  return ids.map((_, at) => (x[at] < 0 ? null : { x: x[at] / STEPS, y: y[at] / STEPS }));
}

const DIGIT = 256;

/** The median coordinate of each group, or -1: first its upper byte by counting, then its lower byte among those. */
function medians({ positions, count }: Points, side: number, groupOf: (point: number) => number, groups: number): Int32Array {
  const upper = new Uint32Array(groups * DIGIT);
  for (let point = 0; point < count; point++) {
    const group = groupOf(point);
    const place = positions[point * 2 + side];
    if (group >= 0 && place !== MISSING) upper[group * DIGIT + (place >> 8)]++;
  }
  const halves = Float64Array.from({ length: groups }, (_, group) => Math.floor(sum(upper.subarray(group * DIGIT, (group + 1) * DIGIT)) / 2));
  const digits = Int32Array.from({ length: groups }, (_, group) => ranked(upper, group, halves));
  const lower = new Uint32Array(groups * DIGIT);
  for (let point = 0; point < count; point++) {
    const group = groupOf(point);
    const place = positions[point * 2 + side];
    if (group >= 0 && place !== MISSING && place >> 8 === digits[group]) lower[group * DIGIT + (place & 255)]++;
  }
  return digits.map((digit, group) => (digit < 0 ? -1 : digit * DIGIT + ranked(lower, group, halves)));
}

/** The digit of a group's value of rank `ranks[group]`, or -1; `ranks` becomes the rank among the values of that digit. */
function ranked(counts: Uint32Array, group: number, ranks: Float64Array): number {
  for (let digit = 0; digit < DIGIT; digit++) {
    const here = counts[group * DIGIT + digit];
    if (ranks[group] < here) return digit;
    ranks[group] -= here;
  }
  return -1;
}

function sum(values: Uint32Array): number {
  return values.reduce((total, value) => total + value, 0);
}
