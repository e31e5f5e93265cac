import { HIDDEN, SELECTED } from "../../scatter/renderer";

export type SelectionMode = "replace" | "add" | "subtract";

/** A new mask with the points set, added or removed; other bits of the mask are kept. */
export function changeSelection(mask: Uint8Array, points: ArrayLike<number>, mode: SelectionMode): Uint8Array {
  const next = mask.slice();
  if (mode === "replace") for (let point = 0; point < next.length; point++) next[point] &= ~SELECTED;
  for (let at = 0; at < points.length; at++) {
    if (mode === "subtract") next[points[at]] &= ~SELECTED;
    else next[points[at]] |= SELECTED;
  }
  return next;
}

/** The selected points of a mask, eight per byte, for undo. */
export function packSelection(mask: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(mask.length / 8));
  for (let point = 0; point < mask.length; point++) bits[point >> 3] |= (mask[point] & SELECTED) << (point & 7);
  return bits;
}

/** Unpacks the result of `packSelection` to a mask of this many points. */
export function unpackSelection(bits: Uint8Array, size: number): Uint8Array {
  const mask = new Uint8Array(size);
  for (let point = 0; point < size; point++) mask[point] = (bits[point >> 3] >> (point & 7)) & SELECTED;
  return mask;
}

/** Those of the points that pass the filter. */
export function visibleAmong(points: ArrayLike<number>, visible: Uint8Array | null): ArrayLike<number> {
  if (visible === null) return points;
  const seen = new Int32Array(points.length);
  let count = 0;
  for (let at = 0; at < points.length; at++) {
    seen[count] = points[at];
    count += visible[points[at]];
  }
  return seen.slice(0, count);
}

/** Points that are selected and pass the filter, if any. */
export function selectedPoints(mask: Uint8Array, visible: Uint8Array | null = null): Int32Array {
  const points = new Int32Array(mask.length);
  let count = 0;
  for (let point = 0; point < mask.length; point++) {
    points[count] = point;
    count += mask[point] & SELECTED & (visible === null ? SELECTED : visible[point]);
  }
  return points.slice(0, count);
}

/** The mask in which points that do not pass the filter are hidden. */
export function hiding(mask: Uint8Array, visible: Uint8Array | null): Uint8Array {
  if (visible === null) return mask;
  const drawn = mask.slice();
  for (let point = 0; point < drawn.length; point++) if (!visible[point]) drawn[point] |= HIDDEN;
  return drawn;
}

/** Points with this value. */
export function pointsWhere(values: Int32Array | Uint8Array, value: number): Int32Array {
  return pointsThat(values.length, (point) => Number(values[point] === value));
}

/** Points for which `flag` is 1, rising. */
export function pointsThat(size: number, flag: (point: number) => number): Int32Array {
  const points = new Int32Array(size);
  let count = 0;
  for (let point = 0; point < size; point++) {
    points[count] = point;
    count += flag(point);
  }
  return points.slice(0, count);
}

/** Number of points of each cluster: all, those that pass the filter, and those of them that are selected; noise is last. */
export interface ClusterCounts {
  all: Uint32Array;
  visible: Uint32Array;
  selected: Uint32Array;
}

/** `rows` is the index of each point's cluster, or `noise` for points without one. */
export function clusterCounts(rows: Int32Array, noise: number, mask: Uint8Array, visible: Uint8Array | null): ClusterCounts {
  const [all, shown, selected] = [new Uint32Array(noise + 1), new Uint32Array(noise + 1), new Uint32Array(noise + 1)];
  for (let point = 0; point < rows.length; point++) {
    const row = rows[point];
    const seen = visible === null ? 1 : visible[point];
    all[row]++;
    shown[row] += seen;
    selected[row] += seen & mask[point] & SELECTED;
  }
  return { all, visible: shown, selected };
}

/** The index of each point's cluster in `ids`; noise and unlisted numbers get the index after the last. */
export function clusterRows(clusters: Int32Array, ids: readonly number[]): Int32Array {
  const greatest = ids.reduce((most, id) => Math.max(most, id), -1);
  const places = new Int32Array(greatest + 1).fill(ids.length);
  ids.forEach((id, place) => (places[id] = place));
  const rows = new Int32Array(clusters.length);
  for (let point = 0; point < rows.length; point++) rows[point] = places[clusters[point]] ?? ids.length;
  return rows;
}

/** The points of these rows; rows of other classes have none. */
export function pointsOfSamples(indices: Int32Array, samples: ArrayLike<number>, inRun: number): Int32Array {
  const wanted = new Uint8Array(inRun);
  for (let at = 0; at < samples.length; at++) wanted[samples[at]] = 1; // rows beyond the run are ignored
  return pointsThat(indices.length, (point) => wanted[indices[point]]);
}

/** Shift adds, Alt removes; otherwise the chosen mode applies. */
export function modeOf(event: { shiftKey: boolean; altKey: boolean }, chosen: SelectionMode = "replace"): SelectionMode {
  if (event.altKey) return "subtract";
  return event.shiftKey ? "add" : chosen;
}
