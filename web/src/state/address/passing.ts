import type { Opening, RunDetail } from "../../api/types";
import { TOO_LONG, encodeIndices, selectionCode } from "./codes";
import { formatRoute, parseRoute } from "./route";
import type { Route } from "./route";

/** What a state file holds; `passed_on/state_file.py` reads it. */
export interface StateFile {
  format: "whyset-state";
  schema: "1.0";
  runs: { id: string; name: string; path: string; hash: string }[];
  address: string;
  selected: number[] | null;
  appearance: { theme: string };
}

/** The state as a file's content; `rows` are those selected, which are listed only where the address cannot hold them. */
export function stateFile(route: Route, rows: ArrayLike<number>, runs: readonly RunDetail[], theme: string): StateFile {
  return {
    format: "whyset-state",
    schema: "1.0",
    runs: runs.map(({ id, name, path, hash }) => ({ id, name, path, hash })),
    address: formatRoute(route),
    selected: route.selected === TOO_LONG ? Array.from(rows) : null,
    appearance: { theme },
  };
}

/** A place, and what the browser keeps with it where the address is too short for the selection. */
export interface Place {
  address: string;
  memory: string | null;
}

/** Of more a browser refuses to keep. */
const LONGEST_MEMORY = 4_000_000;

export function memoryOf(route: Route, rows: () => ArrayLike<number>): string | null {
  return route.selected === TOO_LONG ? encodeIndices(rows(), LONGEST_MEMORY) : null;
}

/** The route with the selection that was kept for it. */
export function remembering(route: Route, memory: string | null): Route {
  return route.selected === TOO_LONG && memory !== null ? { ...route, selected: memory } : route;
}

export function placeOf({ address, selected }: Opening): Place {
  const route = parseRoute(address);
  if (selected === null || selected.length === 0) return { address, memory: null };
  const rows = Int32Array.from(selected).sort();
  const full = { ...route, selected: selectionCode(rows) };
  return { address: formatRoute(full), memory: memoryOf(full, () => rows) };
}

const EXPECTED = "Expected a state file that Share saved here, or a bookmark that ViRelAy exported.";
const LARGEST = 200_000_000;

/** The JSON in a file; the error says what was expected. */
export async function documentIn(file: File): Promise<unknown> {
  if (file.size > LARGEST) throw new Error(`${file.name} is too large to be opened. ${EXPECTED}`);
  try {
    return JSON.parse(await file.text());
  } catch {
    throw new Error(`${file.name} is no JSON. ${EXPECTED}`);
  }
}
