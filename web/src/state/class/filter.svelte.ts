import { NO_FILTER, withBrush, withHiding } from "./filter";
import type { FilterState } from "./filter";

/** Filters of the points: hidden entries of the legend, and brushes over columns. */
export class Filter {
  #state = $state.raw<FilterState>(NO_FILTER);

  get state(): FilterState {
    return this.#state;
  }

  get active(): boolean {
    return this.#state.hidings.length + this.#state.brushes.length > 0;
  }

  restore(state: FilterState): void {
    this.#state = state;
  }

  hiddenCodes(column: string): readonly number[] {
    return this.#state.hidings.find((hiding) => hiding.column === column)?.codes ?? [];
  }

  brushOf(column: string): { low: number; high: number } | null {
    return this.#state.brushes.find((brush) => brush.column === column) ?? null;
  }

  toggle(column: string, code: number): void {
    const hidden = this.hiddenCodes(column);
    this.hide(column, hidden.includes(code) ? hidden.filter((other) => other !== code) : [...hidden, code]);
  }

  /** Shows only this entry, or all entries if it is already the only one. */
  solo(column: string, code: number, all: readonly number[]): void {
    const others = all.filter((other) => other !== code);
    const hidden = this.hiddenCodes(column);
    const alone = !hidden.includes(code) && others.every((other) => hidden.includes(other));
    this.hide(column, alone ? [] : others);
  }

  hide(column: string, codes: readonly number[]): void {
    this.#state = withHiding(this.#state, column, codes);
  }

  brush(column: string, low: number, high: number): void {
    this.#state = withBrush(this.#state, column, low, high);
  }

  clear(): void {
    this.#state = NO_FILTER;
  }
}
