import type { DataSource } from "../../api/source";
import type { RunDetail, RunEntry } from "../../api/types";
import { storedName } from "../page/format";
import { OpenedRun } from "../page/opened";
import type { Route } from "../address/route";

/** Scale of the heatmaps of all runs: each has its own, or all have that of the strongest. */
export type MethodScale = "own" | "shared";

/** The heatmap of a sample in one of the open runs; null if the run does not have the sample or cannot be read. */
export interface Method {
  id: string;
  /** The composite if the run names one, otherwise the name of the run. */
  name: string;
  path: string;
  run: OpenedRun | null;
  index: number | null;
  problem: string | null;
}

/** The open runs as attribution methods of the same samples; runs are opened and compared on demand. */
export class Methods {
  readonly #source: DataSource;
  readonly #runs = new Map<string, Promise<OpenedRun>>();
  readonly #rows = new Map<string, Promise<Int32Array>>();
  /** Null while they are not shown. */
  shown = $state<MethodScale | null>(null);

  constructor(source: DataSource) {
    this.#source = source;
  }

  restore({ methods }: Route): void {
    this.shown = methods === "own" || methods === "shared" ? methods : null;
  }

  /** Opens and compares the runs again, as they may have grown. */
  forget(): void {
    this.#runs.clear();
    this.#rows.clear();
  }

  /** The heatmaps of a sample of one run, that run first. */
  async of(own: OpenedRun, index: number, runs: readonly RunEntry[]): Promise<Method[]> {
    const others = runs.filter((run) => run.id !== own.detail.id);
    const found = [method(own, index), ...(await Promise.all(others.map((run) => this.#other(own.detail.id, index, run))))];
    const names = methodNames(found.map(({ run, path }) => run?.detail ?? { name: path, summary: {} }));
    return found.map((method, place) => ({ ...method, name: names[place] }));
  }

  async #other(own: string, index: number, { id, name }: RunEntry): Promise<Method> {
    try {
      const open = async () => new OpenedRun(this.#source, await this.#source.run(id));
      const [run, rows] = await Promise.all([
        kept(this.#runs, id, open),
        kept(this.#rows, `${own} ${id}`, () => this.#source.correspondence(own, id)), // run ids contain no spaces
      ]);
      return method(run, rows[index] < 0 ? null : rows[index]);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return { id, name, path: name, run: null, index: null, problem };
    }
  }
}

function method(run: OpenedRun, index: number | null): Method {
  const { id, name, path } = run.detail;
  return { id, name, path, run, index, problem: null };
}

/** The composite of each run; the name of the run replaces a missing one and is appended to an ambiguous one. */
export function methodNames(runs: readonly Pick<RunDetail, "name" | "summary">[]): string[] {
  const composites = runs.map(({ summary }) => (summary.composite === "unknown" ? undefined : summary.composite));
  return composites.map((composite, place) => {
    if (composite === undefined) return runs[place].name;
    const name = storedName(composite);
    const alone = composites.filter((other) => other !== undefined && storedName(other) === name).length === 1;
    return alone ? name : `${name} (${runs[place].name})`;
  });
}

/** The cached answer, or a new request; errors are not cached. */
function kept<T>(answers: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const known = answers.get(key);
  if (known) return known;
  const answer = ask();
  answers.set(key, answer);
  answer.catch(() => answers.delete(key));
  return answer;
}
