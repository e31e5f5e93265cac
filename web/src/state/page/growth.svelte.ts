import type { DataSource } from "../../api/source";
import type { RunDetail, RunProgress } from "../../api/types";
import { count } from "./format";

/** Polling intervals in milliseconds: of an unfinished run, and of a complete one. */
const PERIODS = { unfinished: 10_000, complete: 30_000 };

/** True if results are missing: samples, a first analysis, classes of one, or those of a running job. */
export function isUnfinished(run: RunDetail): boolean {
  return run.growing || run.committed < run.n_explanations || run.analyses.length === 0 || run.analyses.some(lacksClasses);
}

/** True if an analysis is known to lack classes. */
export function lacksClasses({ categories, expected }: RunDetail["analyses"][number]): boolean {
  return expected !== null && categories < expected;
}

/** Messages about changes that the page has not read; empty if it is up to date. */
export function growthOf(read: RunDetail, now: RunProgress): string[] {
  const told: string[] = [];
  if (now.committed !== read.committed) told.push(`${count(now.committed)} of ${count(now.n_explanations)} ${now.n_samples === now.n_explanations ? "samples" : "explanations"} are available now`);
  else if (now.version !== read.version) told.push("its samples were written again");
  const known = new Map(read.analyses.map((analysis) => [analysis.name, analysis]));
  for (const { name, categories, version } of now.analyses) {
    const before = known.get(name);
    if (before === undefined) told.push(`the analysis “${name}” is new`);
    else if (before.categories !== categories) told.push(`“${name}” has ${categories === 1 ? "one class" : `${count(categories)} classes`} now`);
    else if (before.version !== version) told.push(`classes of “${name}” were analyzed again`);
    known.delete(name);
  }
  return [...told, ...[...known.keys()].map((name) => `the analysis “${name}” was removed`)];
}

/** True if an analysis that the page has read is gone or has fewer classes; a class that is replaced is absent for a moment. */
function hasLost(read: RunDetail, now: RunProgress): boolean {
  const classes = new Map(now.analyses.map(({ name, categories }) => [name, categories]));
  return read.analyses.some(({ name, categories }) => (classes.get(name) ?? 0) < categories);
}

/** Polls a run while its page is open, until it has grown. */
export class Growth {
  /** Messages about results of the run that the page does not show. */
  told = $state.raw<readonly string[]>([]);
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  /**
   * Starts to poll a run; the returned function stops it. Complete runs are polled too, as further analyses may be added.
   * A hidden page does not poll until it is visible. What is lost is told if two answers in a row say so.
   */
  follow(run: RunDetail, periods = PERIODS): () => void {
    this.told = [];
    if (this.#source.can.note !== null) return () => {};
    let live = true;
    let lost = false;
    const look = async () => {
      if (globalThis.document?.hidden) return;
      const now = await this.#source.progress(run.id).catch(() => null); // retried at the next interval
      if (!live || now === null) return;
      const lostBefore = lost;
      lost = hasLost(run, now);
      const told = lost && !lostBefore ? [] : growthOf(run, now);
      if (told.length === 0) return;
      this.told = told;
      end();
    };
    const seen = () => void look();
    const timer = setInterval(seen, isUnfinished(run) ? periods.unfinished : periods.complete);
    globalThis.document?.addEventListener("visibilitychange", seen);
    const end = () => {
      live = false;
      clearInterval(timer);
      globalThis.document?.removeEventListener("visibilitychange", seen);
    };
    return end;
  }
}
