import type { DataSource } from "./source";

/** Initial view of the page, from its address. */
interface Beginning {
  run: string | null;
  analysis: string | null;
  category: string | null;
}

/** The same source, which immediately requests everything that the address names, in parallel. */
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

/** Sends the request now; the first call with the same arguments gets its answer. A failed request is repeated. */
function early<At extends string[], T>(ask: (...at: At) => Promise<T>, at: At): (...at: At) => Promise<T> {
  let answer: Promise<T> | null = ask(...at);
  answer.catch(() => undefined); // the caller handles the error
  return (...asked) => {
    const same = asked.every((part, place) => part === at[place]) ? answer : null;
    if (same) answer = null;
    return same?.catch(() => ask(...asked)) ?? ask(...asked);
  };
}
