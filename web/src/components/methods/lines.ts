/** A point of a line; `low` and `high` are the ends of its interval. */
export interface LinePoint {
  x: number;
  y: number | null;
  low?: number | null | undefined;
  high?: number | null | undefined;
  /** Address that a click on the point opens, and its description. */
  href?: string | null;
  label?: string | undefined;
  /** A hollow point, or one in a ring. */
  look?: "hollow" | "ring" | undefined;
}

export interface Line {
  id: string;
  name: string;
  color: string;
  /** A dash pattern of SVG; lines beyond the eighth repeat the hues. */
  dash: string;
  points: readonly LinePoint[];
}

const DASHES = ["", "6 3", "2 3", "8 3 2 3"];

export function dashOf(shape: number): string {
  return DASHES[shape % DASHES.length];
}

/** Ends of all values and intervals, and of `others`, with 0. */
export function rangeOf(lines: readonly Line[], others: readonly number[] = []): [number, number] {
  const values = lines.flatMap(({ points }) => points.flatMap(({ y, low, high }) => [y, low, high]));
  const known = [0, ...others, ...values.filter((value) => value !== null && value !== undefined)];
  const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  return low < high ? [low, high] : [low, low + 1];
}

/** The positions of all points, each once, rising. */
export function positionsOf(lines: readonly Line[]): number[] {
  return [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
}

type Place = (value: number) => number;

/** A path through the points; a missing value is a gap. */
export function pathOf(points: readonly LinePoint[], x: Place, y: Place): string {
  return points
    .map((point, at) => {
      if (point.y === null) return "";
      const joined = at > 0 && points[at - 1].y !== null;
      return `${joined ? "L" : "M"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`;
    })
    .join("");
}

/** Areas between the ends of the intervals, one for each stretch of points that have them. */
export function bandsOf(points: readonly LinePoint[], x: Place, y: Place): string[] {
  const stretches: LinePoint[][] = [[]];
  for (const point of points) {
    if (point.y === null || point.low == null || point.high == null) stretches.push([]);
    else stretches[stretches.length - 1].push(point);
  }
  return stretches
    .filter((stretch) => stretch.length > 1)
    .map((stretch) => {
      const above = stretch.map((point) => `${x(point.x).toFixed(1)} ${y(point.high ?? 0).toFixed(1)}`);
      const below = stretch.map((point) => `${x(point.x).toFixed(1)} ${y(point.low ?? 0).toFixed(1)}`).reverse();
      return `M${[...above, ...below].join("L")}Z`;
    });
}

/** Counts of values in equal bins between the smallest and the largest, of which 0 is an edge. */
export function binsOf(values: readonly number[], most = 24): { from: number; to: number; count: number }[] {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b), 0), values.reduce((a, b) => Math.max(a, b), 0)];
  if (low === high) return [{ from: low - 0.5, to: low + 0.5, count: values.length }];
  const step = (high - low) / most;
  const [first, last] = [Math.ceil(-low / step - 1e-9), Math.ceil(high / step - 1e-9)];
  const bins = Array.from({ length: first + last }, (_, at) => ({ from: (at - first) * step, to: (at - first + 1) * step, count: 0 }));
  for (const value of values) bins[Math.min(bins.length - 1, Math.max(0, Math.floor(value / step) + first))].count++;
  return bins;
}

/** The last part of each name, if these differ; otherwise the whole names. */
export function shortNames(names: readonly string[]): string[] {
  const short = names.map((name) => name.split("/").at(-1) ?? name);
  return new Set(short).size === names.length ? short : [...names];
}
