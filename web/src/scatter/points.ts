/** Points as the renderer takes them: one scale for both axes, so that distances keep their ratio. */
export interface Points {
  /** x0, y0, x1, y1, ... between 0 and STEPS, or MISSING. */
  positions: Uint16Array;
  count: number;
  /** How many have no finite place: such a point is listed, but cannot be drawn. */
  missing: number;
  /** What the others span, between 0 and 1. */
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

/** Quantised places with what follows from them. */
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
 * Two columns of an embedding (n, dimensions) as places; an embedding of one dimension lies on a line. The server's
 * `quantised` does the same.
 */
export function quantise(embedding: Float32Array, dimensions: number, axes: readonly [number, number]): Uint16Array {
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

/** The middle of a cluster: the median of each coordinate, which a few far points do not move. */
export function middles(points: Points, clusters: Int32Array, ids: readonly number[]): ({ x: number; y: number } | null)[] {
  const members = new Map<number, number[]>(ids.map((id) => [id, []]));
  for (let point = 0; point < points.count; point++) {
    if (!isMissing(points, point)) members.get(clusters[point])?.push(point);
  }
  const median = (of: number[], side: number) => {
    const values = new Uint16Array(of.length).map((_, at) => points.positions[of[at] * 2 + side]).sort();
    return values[values.length >> 1] / STEPS;
  };
  return ids.map((id) => {
    const of = members.get(id) ?? [];
    return of.length > 0 ? { x: median(of, 0), y: median(of, 1) } : null;
  });
}
