import { SELECTED } from "../../scatter/renderer";

/** The cluster number of noise. */
export const NOISE = -1;

/** Contingency table of two clusterings over their shared samples: counts[row * columns.length + column]. */
export interface Contingency {
  /** Clusters of the left side with shared samples, rising, noise last; columns are those of the right side. */
  rows: number[];
  columns: number[];
  counts: Float64Array;
  rowTotals: number[];
  columnTotals: number[];
  total: number;
}

/** Counts the shared points by their clusters on both sides; `toRight` pairs the points, -1 without a partner. */
export function contingency(left: Int32Array, right: Int32Array, toRight: Int32Array): Contingency {
  const [rows, columns] = clustersShared(left, right, toRight);
  return counted(rows, columns, left, right, toRight, () => true);
}

/** The same cells with the selected points only. */
export function selectedCells(
  { rows, columns }: Contingency,
  left: Int32Array,
  right: Int32Array,
  toRight: Int32Array,
  mask: Uint8Array,
): Contingency {
  return counted(rows, columns, left, right, toRight, (point) => (mask[point] & SELECTED) !== 0);
}

function counted(
  rows: number[],
  columns: number[],
  left: Int32Array,
  right: Int32Array,
  toRight: Int32Array,
  counts: (point: number) => boolean,
): Contingency {
  const [rowOf, columnOf] = [placesOf(rows), placesOf(columns)];
  const cells = new Float64Array(rows.length * columns.length);
  for (let point = 0; point < left.length; point++) {
    const other = toRight[point];
    if (other >= 0 && counts(point)) cells[rowOf[left[point] + 1] * columns.length + columnOf[right[other] + 1]]++;
  }
  return withTotals(rows, columns, cells);
}

/** The table without the samples that are noise on either side. */
export function withoutNoise(table: Contingency): Contingency {
  const rows = table.rows.filter((cluster) => cluster !== NOISE);
  const columns = table.columns.filter((cluster) => cluster !== NOISE);
  const counts = new Float64Array(rows.length * columns.length); // noise is last, so the other places stay
  rows.forEach((_, row) => {
    for (let column = 0; column < columns.length; column++) {
      counts[row * columns.length + column] = table.counts[row * table.columns.length + column];
    }
  });
  return withTotals(rows, columns, counts);
}

/** Left points of a cell, or of a whole row or column if the other cluster is null. */
export function pointsOfCell(
  left: Int32Array,
  right: Int32Array,
  toRight: Int32Array,
  row: number | null,
  column: number | null,
): Int32Array {
  const found = new Int32Array(left.length);
  let count = 0;
  for (let point = 0; point < left.length; point++) {
    const other = toRight[point];
    if (other < 0 || (row !== null && left[point] !== row) || (column !== null && right[other] !== column)) continue;
    found[count++] = point;
  }
  return found.slice(0, count);
}

function clustersShared(left: Int32Array, right: Int32Array, toRight: Int32Array): [number[], number[]] {
  const [rows, columns] = [new Set<number>(), new Set<number>()];
  for (let point = 0; point < left.length; point++) {
    if (toRight[point] < 0) continue;
    rows.add(left[point]);
    columns.add(right[toRight[point]]);
  }
  return [ordered(rows), ordered(columns)];
}

function ordered(clusters: Set<number>): number[] {
  const key = (cluster: number) => (cluster === NOISE ? Infinity : cluster);
  return [...clusters].sort((a, b) => (key(a) === key(b) ? 0 : key(a) - key(b)));
}

/** Position of cluster c in the list: c + 1, as noise is -1. */
function placesOf(clusters: readonly number[]): Int32Array {
  const places = new Int32Array(Math.max(NOISE, ...clusters) + 2);
  clusters.forEach((cluster, place) => (places[cluster + 1] = place));
  return places;
}

function withTotals(rows: number[], columns: number[], counts: Float64Array): Contingency {
  const at = (row: number, column: number) => counts[row * columns.length + column];
  const rowTotals = rows.map((_, row) => columns.reduce((sum, _, column) => sum + at(row, column), 0));
  const columnTotals = columns.map((_, column) => rows.reduce((sum, _, row) => sum + at(row, column), 0));
  return { rows, columns, counts, rowTotals, columnTotals, total: rowTotals.reduce((sum, value) => sum + value, 0) };
}
