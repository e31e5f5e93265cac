import type { Column, Numbers } from "../../api/binary";
import type { DataSource } from "../../api/source";
import type { CategoryDetail, RunDetail } from "../../api/types";

/** Location of the values of a class. */
export interface ClassAddress {
  source: DataSource;
  run: RunDetail;
  analysis: string;
  detail: CategoryDetail;
}

/** Columns with one value per row of a class, loaded on demand: those of the category, then those of the run. */
export class ClassColumns {
  readonly #of: ClassAddress;
  readonly #kept = new Map<string, Column>();

  constructor(of: ClassAddress) {
    this.#of = of;
  }

  /** True if the category has this column, loaded or not. */
  exists(name: string): boolean {
    return this.#of.detail.columns.some((column) => column.name === name);
  }

  get(name: string): Column | undefined {
    return this.#kept.get(name);
  }

  numbers(name: string): Numbers | undefined {
    return this.#kept.get(name)?.data;
  }

  /** Loads missing columns; unknown names are ignored, and so are columns of the run for a class without rows. */
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
