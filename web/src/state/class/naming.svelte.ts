import type { DataSource } from "../../api/source";
import type { NamesByClustering } from "../../api/types";
import { changed } from "../page/race";

/** User-defined names of the clusters of one class, stored next to the run. */
export class ClusterNaming {
  readonly #source: DataSource;
  readonly #place: readonly [run: string, analysis: string, category: string];
  #names = $state.raw<NamesByClustering>({});
  #revision = 0;
  writable = $state(false);
  /** The reason why the names cannot be read, or null. */
  problem = $state<string | null>(null);

  constructor(source: DataSource, run: string, analysis: string, category: string) {
    this.#source = source;
    this.#place = [run, analysis, category];
  }

  async load(): Promise<void> {
    try {
      const { names, revision, writable } = await this.#source.clusterNames(...this.#place);
      this.#names = names;
      this.#revision = revision;
      this.writable = writable && this.#source.can.write;
      this.problem = null;
    } catch (error) {
      this.problem = `The names of clusters cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  nameOf(clustering: string, id: number): string | null {
    const names = this.#names[clustering];
    return names && Object.hasOwn(names, String(id)) ? names[String(id)] : null;
  }

  /** Saves a name; an empty one deletes it. */
  async rename(clustering: string, id: number, name: string): Promise<void> {
    const own = Object.entries(this.#names[clustering] ?? {}).filter(([number]) => number !== String(id));
    const trimmed = name.trim();
    const changedNames: [string, string][] = trimmed === "" ? own : [...own, [String(id), trimmed]];
    const names = { ...this.#names, [clustering]: Object.fromEntries(changedNames) };
    await changed(() => this.#source.nameClusters(...this.#place, names, this.#revision), () => this.load());
  }
}
