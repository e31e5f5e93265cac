/** One column of a table: its value and its relevance. */
export interface Bar {
  name: string;
  column: number;
  value: number | null;
  relevance: number;
  /** Share of the largest magnitude, between -1 and 1. */
  share: number;
}

/** The columns, the most relevant first, NaN last. */
export function barsOf(relevance: ArrayLike<number>, values: ArrayLike<number> | null, names: readonly string[] | null): Bar[] {
  const size = (column: number) => (Number.isFinite(relevance[column]) ? Math.abs(relevance[column]) : -1);
  const columns = Array.from({ length: relevance.length }, (_, column) => column);
  const most = columns.reduce((largest, column) => Math.max(largest, size(column)), 0);
  return columns
    .sort((a, b) => size(b) - size(a) || a - b)
    .map((column) => ({
      name: names?.[column] ?? `column ${column}`,
      column,
      value: values?.[column] ?? null,
      relevance: relevance[column],
      share: most > 0 && Number.isFinite(relevance[column]) ? relevance[column] / most : 0,
    }));
}
