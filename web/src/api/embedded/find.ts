import type { Matches, Sample } from "../types";

/** Finds the sample with this id, then the one with this number, then all whose id or class name contains the text. */
export function found(samples: readonly Sample[], text: string, limit: number, categoriesOf: (index: number) => string[]): Matches {
  const wanted = text.trim().toLowerCase();
  const exact = samples.filter((sample) => sample.id === text.trim());
  const numbered = samples.filter((sample) => String(sample.index) === wanted);
  const containing = samples.filter(({ id, label_name }) => `${id}\n${label_name ?? ""}`.toLowerCase().includes(wanted));
  const all = [...new Set([...exact, ...numbered, ...containing.sort((a, b) => a.index - b.index)])];
  const matches = all.slice(0, limit).map(({ index, id, label_name, prediction_name }) => {
    return { index, id, label_name, prediction_name, categories: categoriesOf(index) };
  });
  return { matches, total: all.length, truncated: all.length > matches.length };
}
