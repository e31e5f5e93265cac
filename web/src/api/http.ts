import { decodeColumn, decodeInputVolumes, decodeInputs, decodeMaps, decodePlaces, decodeValues, decodeVolumes, parseShape } from "./binary";
import type { Column } from "./binary";
import { SourceError } from "./source";
import type { Abilities, DataSource } from "./source";

/** Sends a request to the viewer's API; the path is relative to it. */
export type Ask = (path: string, init?: RequestInit) => Promise<Response>;

const ALL: Abilities = { write: true, open: true, exports: ["csv", "parquet", "json", "python"], note: null };

/** The transport of a served viewer, with relative addresses, so that any path of a proxy works. */
export function httpSource(root: string): DataSource {
  const versions = new Map<string, string>();
  const source = sourceOver((path, init) => fetched(root, ofVersion(path, versions), init));
  const run = async (id: string) => {
    const detail = await source.run(id);
    versions.set(id, detail.version);
    return detail;
  };
  const sound = (id: string, index: number) => `${root}${ofVersion(`${at`runs/${id}`}/sound?index=${index}`, versions)}`;
  return { ...source, run, sound };
}

/** Adds the state of the run to the address of data that only change with the run, so that browsers can cache them. */
export function ofVersion(path: string, versions: ReadonlyMap<string, string>): string {
  const [, run] = /^runs\/([^/?]+)\/(?:columns|maps|inputs|volumes|input-volumes|relevance|spectra|sound)\b/.exec(path) ?? [];
  const version = run === undefined ? undefined : versions.get(decodeURIComponent(run));
  return version === undefined ? path : `${path}${path.includes("?") ? "&" : "?"}v=${version}`;
}

/** A source over a function that answers requests like the server. */
export function sourceOver(ask: Ask): DataSource {
  const json = async <T>(path: string): Promise<T> => (await (await request(ask, path)).json()) as T;
  const column = async (path: string): Promise<Column> => {
    const { buffer, shape, dtype, coding } = await binary(ask, path);
    return decodeColumn(buffer, dtype, shape, coding);
  };
  const sent = async <T>(method: string, path: string, value: unknown): Promise<T> =>
    (await (await request(ask, path, body(method, value))).json()) as T;
  const analysisPath = (run: string, analysis: string) => `${at`runs/${run}/analyses/${analysis}`}`;
  return {
    can: ALL,
    opening: () => json("opening"),
    openDocument: (document) => sent("POST", "opening", document),
    runs: () => json("runs"),
    run: (run) => json(at`runs/${run}`),
    progress: (run) => json(at`runs/${run}/progress`),
    column: (run, name, within) => column(at`runs/${run}/columns/${name}` + (within ? `?${new URLSearchParams({ ...within })}` : "")),
    correspondence: async (run, other) =>
      (await column(`${at`runs/${run}`}/correspondence?other=${encodeURIComponent(other)}`)).data as Int32Array,
    samples: (run, indices) => json(`${at`runs/${run}`}/samples?${query(indices)}`),
    find: (run, text, options = {}) => json(`${at`runs/${run}`}/find?${asked({ text, ...options })}`),
    findRows: async (run, text) =>
      Array.from((await column(`${at`runs/${run}`}/find/rows?text=${encodeURIComponent(text)}`)).data),
    findings: (run, search) => json(at`runs/${run}/findings` + further("?", { search })),
    finding: (run, finding, search) => json(at`runs/${run}/findings/${finding}` + further("?", { search })),
    fixedSamples: (run, finding, options) => json(at`runs/${run}/findings/${finding}/fixed` + further("?", options)),
    methods: (run, options) => json(`${at`runs/${run}`}/methods?${asked(options)}`),
    differences: (run, options) => json(`${at`runs/${run}`}/methods/differences?${asked(options)}`),
    timeline: (run) => json(at`runs/${run}/timeline`),
    examples: async (run, places, search) => {
      const { buffer, shape } = await binary(ask, `${at`runs/${run}`}/findings/examples?${query(places)}${further("&", { search })}`);
      const sides = shape.slice(-3);
      return decodeInputs(buffer, [shape.slice(0, -3).reduce((product, side) => product * side, 1), ...sides]);
    },
    changedValues: async (run, places, size, search) =>
      decodeValues(await column(`${at`runs/${run}`}/findings/examples?${query(places, size)}${further("&", { search })}`)),
    analysis: (run, analysis) => json(analysisPath(run, analysis)),
    category: (run, analysis, category) => json(analysisPath(run, analysis) + at`/${category}`),
    categoryColumn: (run, analysis, category, name) =>
      column(analysisPath(run, analysis) + at`/${category}/columns/${name}`),
    places: async (run, analysis, category, embedding, axes) => {
      const path = `${analysisPath(run, analysis)}${at`/${category}/points/${embedding}`}?axes=${axes.join()}`;
      const { buffer, shape } = await binary(ask, path);
      return decodePlaces(buffer, shape);
    },
    maps: async (run, indices, size) => {
      const { buffer, shape } = await binary(ask, `${at`runs/${run}`}/maps?${query(indices, size)}`);
      return decodeMaps(buffer, shape);
    },
    inputs: async (run, indices, size) => {
      const { buffer, shape } = await binary(ask, `${at`runs/${run}`}/inputs?${query(indices, size)}`);
      return decodeInputs(buffer, shape);
    },
    volumes: async (run, indices, size) => {
      const { buffer, shape } = await binary(ask, `${at`runs/${run}`}/volumes?${query(indices, size)}`);
      return decodeVolumes(buffer, shape);
    },
    inputVolumes: async (run, indices, size) => {
      const { buffer, shape } = await binary(ask, `${at`runs/${run}`}/input-volumes?${query(indices, size)}`);
      return decodeInputVolumes(buffer, shape);
    },
    values: async (run, indices, size) => decodeValues(await column(`${at`runs/${run}`}/inputs?${query(indices, size)}`)),
    tokens: (run, indices) => json(`${at`runs/${run}`}/tokens?${query(indices)}`),
    relevance: async (run, index) => {
      const { data, shape } = await column(`${at`runs/${run}`}/relevance?indices=${index}`);
      return { data, shape: shape.slice(1) };
    },
    spectrum: async (run, name, index) => {
      const { data, shape } = await column(at`runs/${run}/spectra/${name}` + `?indices=${index}`);
      return { data, shape: shape.slice(1) };
    },
    scales: (run, analysis, category, clustering) => json(analysisPath(run, analysis) + at`/${category}/scales/${clustering}`),
    summaries: (run, analysis, category, clustering) => json(analysisPath(run, analysis) + at`/${category}/summaries/${clustering}`),
    colorMaps: () => json("color-maps"),
    colorMap: (definition) => json(at`color-maps/${definition}`),
    clusterNames: (run, analysis, category) => json(analysisPath(run, analysis) + at`/${category}/names`),
    nameClusters: (run, analysis, category, names, revision) =>
      sent("PUT", analysisPath(run, analysis) + at`/${category}/names`, { names, revision }),
    selections: (run) => json(at`runs/${run}/selections`),
    addSelection: (run, draft) => sent("POST", at`runs/${run}/selections`, draft),
    changeSelection: (run, id, revision, draft) =>
      sent("PUT", `${at`runs/${run}/selections/${id}`}?revision=${revision}`, draft),
    deleteSelection: async (run, id, revision) => {
      await request(ask, `${at`runs/${run}/selections/${id}`}?revision=${revision}`, { method: "DELETE" });
    },
    exported: async (run, analysis, category, rows, form) => {
      const path = analysisPath(run, analysis) + at`/${category}/export`;
      const response = await request(ask, path, body("POST", { rows, form }));
      return new File([await response.blob()], fileName(response.headers.get("Content-Disposition")));
    },
  };
}

/** A path whose inserted parts are encoded. */
function at(parts: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

function query(indices: number[], size?: number): string {
  return `indices=${indices.join(",")}${size === undefined ? "" : `&size=${size}`}`;
}

/** The parameters that have a value, after a sign; empty if there are none. */
function further(sign: string, values: Record<string, string | number | undefined>): string {
  const text = asked(values).toString();
  return text ? sign + text : "";
}

function asked(values: Record<string, string | number | undefined>): URLSearchParams {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
}

function body(method: string, value: unknown): RequestInit {
  return { method, body: JSON.stringify(value), headers: { "Content-Type": "application/json" } };
}

function fileName(disposition: string | null): string {
  return /filename="([^"]+)"/.exec(disposition ?? "")?.[1] ?? "samples";
}

function fetched(root: string, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${root}${path}`, { credentials: "same-origin", ...init }).catch(() => {
    throw new SourceError(
      "The server does not answer.",
      "It was probably stopped. Start it again with whyset view RUN, and open the address that it prints.",
    );
  });
}

async function request(ask: Ask, path: string, init: RequestInit = {}): Promise<Response> {
  const response = await ask(path, init);
  if (!response.ok) throw await refusal(response);
  return response;
}

async function binary(ask: Ask, path: string) {
  const response = await request(ask, path);
  const shape = parseShape(response.headers.get("X-Shape"));
  const { headers } = response;
  return { buffer: await response.arrayBuffer(), shape, dtype: headers.get("X-Dtype"), coding: headers.get("X-Coding") };
}

async function refusal(response: Response): Promise<SourceError> {
  const body: unknown = await response.json().catch(() => null);
  const error = (body as { error?: { message?: string; hint?: string | null } } | null)?.error;
  if (error?.message) return new SourceError(error.message, error.hint ?? null, response.status);
  const hint = response.status === 403 ? "Open the address that whyset view printed; it contains the token." : null;
  return new SourceError(`The server answered ${response.status} ${response.statusText}.`, hint, response.status);
}
