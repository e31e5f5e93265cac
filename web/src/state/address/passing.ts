import type { Opening, RunDetail } from "../../api/types";
import { TOO_LONG, encodeIndices, selectionCode } from "./codes";
import { formatRoute, parseRoute } from "./route";
import type { Route } from "./route";

/** Content of a state file; `state_files/state_file.py` reads it. */
export interface StateFile {
  format: "whyset-state";
  schema: "1.0";
  runs: { id: string; name: string; path: string; hash: string }[];
  address: string;
  selected: number[] | null;
  appearance: { theme: string };
}

/** The state as the content of a file; the selected `rows` are listed only if the address cannot contain them. */
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

/** An address, and the selection in the browser's history if it is too long for the address. */
export interface Place {
  address: string;
  memory: string | null;
}

/** Maximum length that browsers store. */
const LONGEST_MEMORY = 4_000_000;

export function memoryOf(route: Route, rows: () => ArrayLike<number>): string | null {
  return route.selected === TOO_LONG ? encodeIndices(rows(), LONGEST_MEMORY) : null;
}

/** The route with its selection from the history. */
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

const EXPECTED = "Expected a state file saved by Share, or a bookmark exported by ViRelAy.";
const LARGEST = 200_000_000;

/** Reads the JSON in a file; the error states the expected content. */
export async function documentIn(file: File): Promise<unknown> {
  if (file.size > LARGEST) throw new Error(`${file.name} is too large to be opened. ${EXPECTED}`);
  try {
    return JSON.parse(await file.text());
  } catch {
    throw new Error(`${file.name} is not JSON. ${EXPECTED}`);
  }
}
