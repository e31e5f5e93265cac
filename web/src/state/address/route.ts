import type { Camera } from "../../scatter/camera";

/** The current view, which is stored in the hash of the address, so that a link restores it. */
export interface Route {
  run: string | null;
  analysis: string | null;
  category: string | null;
  clustering: string | null;
  embedding: string | null;
  /** Row of the run. */
  sample: number | null;
  /** Dimensions of the embedding, from 0. */
  axes: readonly [number, number] | null;
  color: string | null;
  order: string | null;
  /** "density" instead of points. */
  draw: string | null;
  camera: Camera | null;
  /** Rows of the run, encoded by `encodeIndices`. */
  selected: string | null;
  colorMap: string | null;
  /** Appearance of the images; if `pictures` is set, null is the default. */
  pictures: string | null;
  norm: string | null;
  clip: string | null;
  gamma: string | null;
  opacity: string | null;
  sampling: string | null;
  /** Order and filter of the table of classes. */
  classOrder: string | null;
  classFilter: string | null;
  /** Scale of the heatmaps of every run, or null if they are not shown. */
  methods: string | null;
  /** The other side of a comparison; without a class, the analysis whose classes are compared. */
  with: Route | null;
  /** Hidden entries of legends, encoded by `formatHidings`. */
  hide: string | null;
  /** Order of the cards of clusters, and the type of their mean heatmaps. */
  clusters: string | null;
  means: string | null;
  /** Brushes over columns, encoded by `formatBrushes`. */
  brush: string | null;
  /** A page besides classes: "methods" or "timeline". */
  page: string | null;
  /** State of that page, as a query. */
  shown: string | null;
  /** Id of the finding whose page is shown, and the name of the search that found it; null for the first one. */
  finding: string | null;
  search: string | null;
}

export const HOME: Route = {
  run: null,
  analysis: null,
  category: null,
  clustering: null,
  embedding: null,
  sample: null,
  axes: null,
  color: null,
  order: null,
  draw: null,
  camera: null,
  selected: null,
  colorMap: null,
  pictures: null,
  norm: null,
  clip: null,
  gamma: null,
  opacity: null,
  sampling: null,
  classOrder: null,
  classFilter: null,
  methods: null,
  with: null,
  hide: null,
  clusters: null,
  means: null,
  brush: null,
  page: null,
  shown: null,
  finding: null,
  search: null,
};

/** Parameters of addresses that were written by earlier versions. */
const FORMER_NAMES: Partial<Record<string, string>> = { color: "colour" };
const TEXTS = ["clustering", "embedding", "color", "draw", "order", "selected", "colorMap", "pictures", "norm", "clip", "gamma", "opacity", "sampling", "classOrder", "classFilter", "methods", "hide", "clusters", "means", "brush", "page", "shown", "finding", "search"] as const;

const PAGES = ["methods", "timeline"];

/** Prefix of the other side of a comparison in the query. */
const OTHER = "with";

/** `#/run/analysis/class?clustering=kmeans&embedding=tsne&sample=12`, without missing parts. */
export function formatRoute(route: Route): string {
  const query = queryOf(route);
  if (route.with !== null) {
    query.set(OTHER, pathOf(route.with));
    for (const [name, text] of queryOf(route.with)) query.set(`${OTHER}-${name}`, text);
  }
  const tail = query.toString();
  return `#/${pathOf(route)}${tail ? `?${tail}` : ""}`;
}

function pathOf(route: Route): string {
  const path: string[] = [];
  for (const part of [route.run, route.analysis, route.category]) {
    if (part === null) break;
    path.push(encodeURIComponent(part));
  }
  return path.join("/");
}

function queryOf(route: Route): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of TEXTS) {
    const text = route[name];
    if (text !== null) query.set(name, text);
  }
  if (route.sample !== null) query.set("sample", String(route.sample));
  if (route.axes !== null) query.set("axes", route.axes.map((axis) => axis + 1).join());
  if (route.camera !== null) query.set("camera", [route.camera.x, route.camera.y, route.camera.zoom].map(rounded).join());
  return query;
}

/** Reads any hash; unknown parts are ignored. */
export function parseRoute(hash: string): Route {
  const [path = "", tail = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const query = new URLSearchParams(tail);
  const other = query.get(OTHER);
  return { ...readRoute(path, query), with: other ? readRoute(other, ofOther(query)) : null };
}

function ofOther(query: URLSearchParams): URLSearchParams {
  const own = [...query].filter(([name]) => name.startsWith(`${OTHER}-`));
  return new URLSearchParams(own.map(([name, text]) => [name.slice(OTHER.length + 1), text]));
}

function readRoute(path: string, query: URLSearchParams): Route {
  const parts = path.split("/").map(decode);
  const sample = query.get("sample");
  const axes = numbers(query.get("axes"), 2)?.map((axis) => axis - 1);
  const camera = numbers(query.get("camera"), 3);
  const texts = Object.fromEntries(TEXTS.map((name) => [name, query.get(name) || query.get(FORMER_NAMES[name] ?? "") || null]));
  return {
    ...HOME,
    ...texts,
    page: PAGES.find((name) => name === query.get("page")) ?? null,
    run: parts[0] || null,
    analysis: parts[1] || null,
    category: parts[2] || null,
    sample: sample !== null && /^\d{1,15}$/.test(sample) ? Number(sample) : null,
    axes: axes?.every((axis) => Number.isInteger(axis) && axis >= 0) ? [axes[0], axes[1]] : null,
    camera: camera && camera[2] > 0 ? { x: camera[0], y: camera[1], zoom: camera[2] } : null,
  };
}

function numbers(text: string | null, count: number): number[] | null {
  const values = text?.split(",").map((part) => (part === "" ? NaN : Number(part))) ?? [];
  return values.length === count && values.every(Number.isFinite) ? values : null;
}

/** Rounds to the precision of the quantized coordinates to keep the address short. */
function rounded(value: number): number {
  return Number(value.toFixed(5));
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
