/** Where the reader is; the hash of the address holds it, so that a link restores it. */
export interface Route {
  run: string | null;
  analysis: string | null;
  category: string | null;
  clustering: string | null;
  embedding: string | null;
  /** Index of a sample in the run. */
  sample: number | null;
}

export const HOME: Route = { run: null, analysis: null, category: null, clustering: null, embedding: null, sample: null };

/** `#/run/analysis/class?clustering=kmeans&embedding=tsne&sample=12`, without what is not given. */
export function formatRoute(route: Route): string {
  const path: string[] = [];
  for (const part of [route.run, route.analysis, route.category]) {
    if (part === null) break;
    path.push(encodeURIComponent(part));
  }
  const query = new URLSearchParams();
  if (route.clustering !== null) query.set("clustering", route.clustering);
  if (route.embedding !== null) query.set("embedding", route.embedding);
  if (route.sample !== null) query.set("sample", String(route.sample));
  const tail = query.toString();
  return `#/${path.join("/")}${tail ? `?${tail}` : ""}`;
}

/** Reads any hash: what it does not understand it leaves out. */
export function parseRoute(hash: string): Route {
  const [path = "", tail = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").map(decode);
  const query = new URLSearchParams(tail);
  const sample = query.get("sample");
  return {
    run: parts[0] || null,
    analysis: parts[1] || null,
    category: parts[2] || null,
    clustering: query.get("clustering") || null,
    embedding: query.get("embedding") || null,
    sample: sample !== null && /^\d{1,15}$/.test(sample) ? Number(sample) : null,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
