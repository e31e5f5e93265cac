/** Pairs of points of two classes with the same sample. */
export interface Pairing {
  /** For each point of the left class its point in the right one, or -1; and vice versa. */
  toRight: Int32Array;
  toLeft: Int32Array;
  /** Number of samples in both classes. */
  shared: number;
}

/**
 * Pairs points by the rows of their samples.
 *
 * `rows` is, for each row of the left run, the row of the right one, or -1; without it both classes are in one run.
 * `count` is the number of rows of the right run.
 */
export function pairPoints(left: Int32Array, right: Int32Array, rows: Int32Array | null, count: number): Pairing {
  const places = new Int32Array(count).fill(-1);
  for (let point = 0; point < right.length; point++) places[right[point]] = point;
  const toRight = new Int32Array(left.length).fill(-1);
  const toLeft = new Int32Array(right.length).fill(-1);
  let shared = 0;
  for (let point = 0; point < left.length; point++) {
    const row = rows === null ? left[point] : rows[left[point]];
    const other = row < 0 ? -1 : (places[row] ?? -1);
    if (other < 0) continue;
    toRight[point] = other;
    toLeft[other] = point;
    shared++;
  }
  return { toRight, toLeft, shared };
}

/** `toRight` without pairs hidden by a filter on either side; masks are 1 for visible points, null without a filter. */
export function visiblePairs({ toRight }: Pairing, left: Uint8Array | null, right: Uint8Array | null): Int32Array {
  if (!left && !right) return toRight;
  const seen = (point: number, other: number) => (!left || left[point] === 1) && (!right || right[other] === 1);
  return toRight.map((other, point) => (other >= 0 && seen(point, other) ? other : -1));
}

/** The points that these points are paired with. */
export function partners(points: ArrayLike<number>, places: Int32Array): Int32Array {
  const found = new Int32Array(points.length);
  let count = 0;
  for (let at = 0; at < points.length; at++) {
    const place = places[points[at]];
    if (place >= 0) found[count++] = place;
  }
  return found.slice(0, count);
}
