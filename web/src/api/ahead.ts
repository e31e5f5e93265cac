import type { DataSource } from "./source";

/** Where the page begins, as its address says. */
interface Beginning {
  run: string | null;
  analysis: string | null;
  category: string | null;
}

/** The same source, which asks at once for all that the address names: one waiting in place of one after the other. */
export function ahead(source: DataSource, { run, analysis, category }: Beginning): DataSource {
  const first = { ...source };
  first.runs = early(source.runs, []);
  first.colorMaps = early(source.colorMaps, []);
  if (run !== null) first.run = early(source.run, [run]);
  if (run !== null && analysis !== null) first.analysis = early(source.analysis, [run, analysis]);
  if (run !== null && analysis !== null && category !== null) {
    first.category = early(source.category, [run, analysis, category]);
  }
  return first;
}

/** Asks now; the first who asks the same gets that answer. A refusal is asked for again, as things may have changed. */
function early<At extends string[], T>(ask: (...at: At) => Promise<T>, at: At): (...at: At) => Promise<T> {
  let answer: Promise<T> | null = ask(...at);
  answer.catch(() => undefined); // told to whoever asks
  return (...asked) => {
    const same = asked.every((part, place) => part === at[place]) ? answer : null;
    if (same) answer = null;
    return same?.catch(() => ask(...asked)) ?? ask(...asked);
  };
}
