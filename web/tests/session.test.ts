import { beforeEach, expect, test, vi } from "vitest";

import type { Column, Numbers } from "../src/api/binary";
import type { DataSource } from "../src/api/source";
import type { CategoryDetail, RunDetail } from "../src/api/types";
import { Norms } from "../src/state/heatmaps/norms.svelte";
import { HOME, parseRoute } from "../src/state/address/route";
import { ClassSession } from "../src/state/class/session.svelte";
import type { Settings } from "../src/state/heatmaps/settings.svelte";

/** Two clusterings of six samples with gaps between their numbers: ids with gaps, noise, an empty cluster; one has silhouettes. */
const COLUMNS: Record<string, Numbers> = {
  "clustering.kmeans": Int32Array.of(0, 7, 7, -1, 0, 7),
  "clustering.dbscan": Int32Array.of(-1, -1, -1, -1, -1, -1),
  "silhouette.kmeans": Float32Array.of(0.5, 0.1, NaN, 0.9, -0.2, 0.3),
  score: Float32Array.of(1, NaN, 3, 4, 5, 6),
};
const INDICES = Int32Array.of(3, 4, 10, 11, 50, 99);
const cluster = (id: number, size: number) => ({ id, n_explanations: size, n_samples: size, medoids: [], composition: { purity: null, accuracy: null, mean_confidence: null }, separability: null });

async function opened(query = "", scales: DataSource["scales"] = () => Promise.reject(new Error("away"))): Promise<ClassSession> {
  const described = Object.entries(COLUMNS).map(([name, data]) => ({ name, shape: [data.length] }));
  const clusterings = { kmeans: { n_clusters: 3, n_noise: 1, clusters: [cluster(0, 2), cluster(4, 0), cluster(7, 3)] }, dbscan: { n_clusters: 0, n_noise: 6, clusters: [] } };
  const evidence = { n_explanations: 6, problem: null, clusterings, default_clustering: "kmeans", embeddings: {} };
  const detail = { id: "c", name: "horse", columns: described, evidence } as unknown as CategoryDetail;
  const run = { id: "r", n_explanations: 100, columns: [], classes: [] } as unknown as RunDetail;
  const source = {
    can: { write: true },
    clusterNames: () => Promise.resolve({ names: {}, revision: 0, writable: true }),
    categoryColumn: (_run: string, _analysis: string, _class: string, name: string): Promise<Column> => {
      return Promise.resolve({ data: COLUMNS[name], shape: [COLUMNS[name].length] });
    },
    scales,
  } as unknown as DataSource;
  const route = query === "" ? HOME : parseRoute(`#/r/a/c?${query}`);
  const session = await ClassSession.open({ source, run, analysis: "a", detail, indices: INDICES }, route);
  session.restore(route);
  return session;
}

const samples = (session: ClassSession) => Array.from(session.selected, (point) => session.data.indices[point]);
let session: ClassSession;
beforeEach(async () => void (session = await opened()));

test("undo goes back to every selection before, and no further than the first", () => {
  session.selectCluster(7, "replace");
  session.selectCluster(-1, "add");
  session.select([1], "subtract");
  expect(samples(session)).toEqual([10, 11, 99]);
  session.undo();
  expect(samples(session)).toEqual([4, 10, 11, 99]);
  session.undo();
  expect(samples(session)).toEqual([4, 10, 99]);
  session.undo();
  session.undo();
  expect(samples(session)).toEqual([]);
});

test("undo takes back a selection and leaves the filter; what the filter hides is not selected", () => {
  session.filter.hide("clustering.kmeans", [-1]);
  session.select([0, 1, 2, 3, 4, 5], "replace");
  session.undo();
  expect(session.filter.active).toBe(true);
  session.select([0, 1, 2, 3, 4, 5], "replace");
  session.filter.clear();
  expect(samples(session)).toEqual([3, 4, 10, 50, 99]);
});

test("an empty cluster and noise that is not there are never selected, and the noise that is there is", () => {
  session.selectCluster(4, "replace");
  expect([session.parts.whole, session.parts.selected(4), session.selectedCode]).toEqual([[], "none", null]);
  session.selectCluster(-1, "replace");
  expect([session.parts.whole, session.selectedCode, session.parts.noise]).toEqual([[-1], "_-1", 1]);
});

test("a link to whole clusters under a filter selects no sample that the filter hides", async () => {
  session = await opened("clustering=kmeans&selected=_7&brush=score:3.5:");
  expect(session.selectedCode).toBe("_7");
  session.filter.clear();
  expect(samples(session)).toEqual([99]);
});

test("a clustering without silhouettes is listed as in the run again, and not in an order it does not have", async () => {
  await session.choose({ order: "most typical" });
  expect(Array.from(session.shown)).toEqual([3, 0, 5, 1, 4, 2]);
  await session.choose({ clustering: "dbscan" });
  expect(session.order).toBe("as in the run");
  expect(session.orders()).toContain(session.order);
});

test("a shared scale that did not come is told of its own clustering only", async () => {
  const table = { percentiles: [100], scales: [{ cluster: null, samples: 6, maps: 6, values: [2] }] };
  const scales = vi.fn((_run: string, _analysis: string, _class: string, clustering: string) =>
    clustering === "dbscan" ? Promise.reject(new Error("away")) : Promise.resolve(table),
  );
  session = await opened("", scales as unknown as DataSource["scales"]);
  const norms = new Norms(session, { appearance: { norm: "all", clip: 100 } } as unknown as Settings);
  const map = { codes: Uint8Array.of(255), scale: 1 };
  await norms.load();
  await session.choose({ clustering: "dbscan" });
  await norms.load();
  expect([norms.problem, norms.full(3, map)]).toEqual(["away", 1]);
  await session.choose({ clustering: "kmeans" });
  await norms.load();
  expect([norms.problem, norms.full(3, map)]).toEqual([null, 2]);
});
