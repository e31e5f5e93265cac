import type { RelevanceMap } from "../../api/binary";
import { ownScale, shadesOf } from "../../color/shades";
import type { Shades } from "../../color/shades";
import type { Norms } from "./norms.svelte";
import type { Settings } from "./settings.svelte";

export interface Loaded<T> {
  readonly value: T | null;
  readonly problem: string | null;
}

/** Data of a component, requested again whenever the request changes; outdated answers are dropped. */
export function loaded<T>(ask: () => Promise<T> | null): Loaded<T> {
  let value = $state.raw<T | null>(null);
  let problem = $state<string | null>(null);
  $effect(() => {
    let live = true;
    value = null;
    problem = null;
    ask()?.then(
      (answer) => live && (value = answer),
      (error: Error) => live && (problem = error.message),
    );
    return () => (live = false);
  });
  return {
    get value() {
      return value;
    },
    get problem() {
      return problem;
    },
  };
}

/** The colors of a heatmap with the current settings; null while its scale is loading. */
export function shadesFor(index: number, map: RelevanceMap, norms: Pick<Norms, "full"> | undefined, settings: Settings): Shades | null {
  const full = norms ? norms.full(index, map) : ownScale(map, settings.appearance.clip);
  return full === null ? null : shadesOf(map.scale, full, settings.look);
}
