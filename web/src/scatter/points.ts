/** Points as the renderer takes them: x, y between 0 and 65535, one scale for both axes so that distances keep their ratio. */
export interface Points {
  /** x0, y0, x1, y1, ... */
  positions: Uint16Array;
  count: number;
  /** 1 where a coordinate is not finite: such a point is listed, but cannot be drawn. */
  missing: Uint8Array;
  /** What the finite points span, between 0 and 1. */
  extent: Extent;
}

export interface Extent {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

export const STEPS = 65535;

/** Two columns of an embedding (n, dimensions) as points; an embedding of one dimension lies on a line. */
export function quantise(embedding: Float32Array, dimensions: number, axes: readonly [number, number]): Points {
  const count = dimensions > 0 ? Math.floor(embedding.length / dimensions) : 0;
  const read = (point: number, axis: number) => (axis < dimensions ? embedding[point * dimensions + axis] : 0);
  const missing = new Uint8Array(count);
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let point = 0; point < count; point++) {
    if (!Number.isFinite(read(point, axes[0])) || !Number.isFinite(read(point, axes[1]))) {
      missing[point] = 1;
      continue;
    }
    for (let side = 0; side < 2; side++) {
      const value = read(point, axes[side]);
      if (value < low[side]) low[side] = value;
      if (value > high[side]) high[side] = value;
    }
  }
  const span = Math.max(high[0] - low[0], high[1] - low[1]);
  const size = Number.isFinite(span) && span > 0 ? span : 1;
  const positions = new Uint16Array(count * 2);
  const normal = (value: number, side: number) => (value - (low[side] + high[side]) / 2) / size + 0.5;
  for (let point = 0; point < count; point++) {
    if (missing[point]) continue;
    for (let side = 0; side < 2; side++) {
      positions[point * 2 + side] = Math.round(normal(read(point, axes[side]), side) * STEPS);
    }
  }
  if (!Number.isFinite(low[0])) return { positions, count, missing, extent: { left: 0, right: 1, bottom: 0, top: 1 } };
  const extent = { left: normal(low[0], 0), right: normal(high[0], 0), bottom: normal(low[1], 1), top: normal(high[1], 1) };
  return { positions, count, missing, extent };
}

/** The middle of a cluster: the median of each coordinate, which a few far points do not move. */
export function middles(points: Points, clusters: Int32Array, ids: readonly number[]): ({ x: number; y: number } | null)[] {
  const members = new Map<number, number[]>(ids.map((id) => [id, []]));
  for (let point = 0; point < points.count; point++) {
    if (!points.missing[point]) members.get(clusters[point])?.push(point);
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
