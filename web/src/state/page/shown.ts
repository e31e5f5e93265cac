import type { Viewer } from "./viewer.svelte";

/** The state of a page in the address. */
export function shownOf(viewer: Viewer): URLSearchParams {
  return new URLSearchParams(viewer.shown ?? "");
}

/** Changes the state of the page; null omits an entry. The address follows. */
export function show(viewer: Viewer, changes: Record<string, string | null>): void {
  const state = shownOf(viewer);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) state.delete(name);
    else state.set(name, value);
  }
  viewer.shown = state.toString() || null;
}

/** A set of ids in one entry of the state; ids do not contain spaces. */
export function idsIn(state: URLSearchParams, name: string): Set<string> {
  return new Set(state.get(name)?.split(" ").filter((id) => id !== "") ?? []);
}

export function toggled(ids: ReadonlySet<string>, id: string): string | null {
  const changed = ids.has(id) ? [...ids].filter((one) => one !== id) : [...ids, id];
  return changed.length > 0 ? changed.join(" ") : null;
}
