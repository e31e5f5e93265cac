import type { DataSource } from "../api/source";
import type { RunDetail, RunProgress } from "../api/types";

/** How often a run that is not finished is looked at, in milliseconds. */
const PERIOD = 10_000;

/** Whether more may come: samples, a first analysis, or whatever a job that is at work is about to add. */
export function isUnfinished(run: RunDetail): boolean {
  return run.growing || run.committed < run.samples || run.analyses.length === 0;
}

/** Whether there is more of the run than the page has read. */
export function hasGrown(read: RunDetail, now: RunProgress): boolean {
  const counts = (analyses: readonly { name: string; categories: number }[]) =>
    JSON.stringify(analyses.map(({ name, categories }) => [name, categories]));
  return read.version !== now.version || counts(read.analyses) !== counts(now.analyses);
}

/** Looks after a run that is not finished, until there is more of it. */
export class Growth {
  /** How far the run is, once that is further than the page shows. */
  further = $state.raw<RunProgress | null>(null);
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  /** Begins to look after a run; the function that comes back ends it. A finished run is never asked about. */
  follow(run: RunDetail, period = PERIOD): () => void {
    this.further = null;
    if (!isUnfinished(run) || this.#source.can.note !== null) return () => {};
    let live = true;
    const look = async () => {
      if (globalThis.document?.hidden) return;
      const now = await this.#source.progress(run.id).catch(() => null); // who is away is asked again
      if (!live || now === null || !hasGrown(run, now)) return;
      this.further = now;
      end();
    };
    const timer = setInterval(() => void look(), period);
    const end = () => {
      live = false;
      clearInterval(timer);
    };
    return end;
  }
}
