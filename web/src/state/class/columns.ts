import type { Column, Numbers } from "../../api/binary";
import type { DataSource } from "../../api/source";
import type { CategoryDetail, RunDetail } from "../../api/types";

/** Where the values of a class lie. */
export interface ClassAddress {
  source: DataSource;
  run: RunDetail;
  analysis: string;
  detail: CategoryDetail;
}

/** Columns with one value for each sample of a class, loaded when they are first needed: the category's own, then the run's. */
export class ClassColumns {
  readonly #of: ClassAddress;
  readonly #kept = new Map<string, Column>();

  constructor(of: ClassAddress) {
    this.#of = of;
  }

  /** Whether the category has such a column, loaded or not. */
  exists(name: string): boolean {
    return this.#of.detail.columns.some((column) => column.name === name);
  }

  get(name: string): Column | undefined {
    return this.#kept.get(name);
  }

  numbers(name: string): Numbers | undefined {
    return this.#kept.get(name)?.data;
  }

  /** Loads what is not here yet; names that neither category nor run has are left out, and those of the run for a class that lists no rows. */
  async load(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#load(name)));
  }

  async #load(name: string): Promise<void> {
    if (this.#kept.has(name)) return;
    const { source, run, analysis, detail } = this.#of;
    if (this.exists(name)) this.#kept.set(name, await source.categoryColumn(run.id, analysis, detail.id, name));
    else if (this.exists("index") && run.columns.some((column) => column.name === name)) {
      this.#kept.set(name, await source.column(run.id, name, { analysis, category: detail.id }));
    }
  }
}
