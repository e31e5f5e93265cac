import type { DataSource } from "../../api/source";
import type { RunDetail, RunProgress } from "../../api/types";
import { count } from "./format";

/** How often a run is looked at, in milliseconds: one to which more must come, and one that is complete. */
const PERIODS = { unfinished: 10_000, complete: 30_000 };

/** Whether more must come: samples, a first analysis, classes of one, or whatever a job that is at work is about to add. */
export function isUnfinished(run: RunDetail): boolean {
  return run.growing || run.committed < run.n_explanations || run.analyses.length === 0 || run.analyses.some(lacksClasses);
}

/** Whether an analysis has fewer classes than it will have, as far as that is known. */
export function lacksClasses({ categories, expected }: RunDetail["analyses"][number]): boolean {
  return expected !== null && categories < expected;
}

/** What there is now that the page has not read, in words; nothing if it has read all. */
export function growthOf(read: RunDetail, now: RunProgress): string[] {
  const told: string[] = [];
  if (now.committed !== read.committed) told.push(`${count(now.committed)} of ${count(now.n_explanations)} ${now.n_samples === now.n_explanations ? "samples" : "explanations"} are there now`);
  else if (now.version !== read.version) told.push("its samples were written anew");
  const known = new Map(read.analyses.map((analysis) => [analysis.name, analysis]));
  for (const { name, categories, version } of now.analyses) {
    const before = known.get(name);
    if (before === undefined) told.push(`the analysis “${name}” is new`);
    else if (before.categories !== categories) told.push(`“${name}” has ${categories === 1 ? "one class" : `${count(categories)} classes`} now`);
    else if (before.version !== version) told.push(`classes of “${name}” were analyzed again`);
    known.delete(name);
  }
  return [...told, ...[...known.keys()].map((name) => `the analysis “${name}” is gone`)];
}

/** Looks after a run while its page is open, until there is more of it. */
export class Growth {
  /** What there is of the run that the page does not show. */
  told = $state.raw<readonly string[]>([]);
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  /**
   * Begins to look after a run; the function that comes back ends it. A complete run is asked about, too: nothing tells
   * that no further analysis is made of it. A page that nobody sees asks nothing until it is seen.
   */
  follow(run: RunDetail, periods = PERIODS): () => void {
    this.told = [];
    if (this.#source.can.note !== null) return () => {};
    let live = true;
    const look = async () => {
      if (globalThis.document?.hidden) return;
      const now = await this.#source.progress(run.id).catch(() => null); // who is away is asked again
      const told = now === null ? [] : growthOf(run, now);
      if (!live || told.length === 0) return;
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
