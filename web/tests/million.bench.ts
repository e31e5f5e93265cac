/** `npx vitest bench --run`: what one change of filter, selection, color or order costs at a million points. */
import { bench, describe } from "vitest";

import { hoverIndex, nearest } from "../src/scatter/hover";
import { toward } from "../src/scatter/direction";
import { pointsOf } from "../src/scatter/points";
import { codingOf } from "../src/state/class/coding";
import { applyBrush, applyHiding, countOnes } from "../src/state/class/filter";
import { binsOf, histogram } from "../src/state/class/histogram";
import { orderBy } from "../src/state/class/ordering";
import { described } from "../src/state/class/pointcolumns";
import { changeSelection, clusterCounts, clusterRows, pointsOfSamples, pointsThat, pointsWhere, selectedPoints, visibleAmong } from "../src/state/class/selection";

const N = 1_000_000;
const K = 40;
let state = 1;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const fill = <T extends { [at: number]: number; length: number }>(values: T, value: () => number): T => {
  for (let at = 0; at < values.length; at++) values[at] = value();
  return values;
};

const clusters = fill(new Int32Array(N), () => Math.floor(random() * K) - 1);
const numbers = fill(new Float32Array(N), () => (random() < 0.01 ? Number.NaN : random()));
const indices = Int32Array.from({ length: N }, (_, at) => at);
const mask = fill(new Uint8Array(N), () => Number(random() < 0.3));
const visible = fill(new Uint8Array(N), () => Number(random() < 0.5));
const places = pointsOf(fill(new Uint16Array(2 * N), () => Math.floor(random() * 65535)));
const ids = Array.from({ length: K - 1 }, (_, id) => id);
const rows = clusterRows(clusters, ids);
const ofClusters = { id: "clustering.k", title: "k", values: clusters, kind: "clusters", nameOf: String, none: "noise" } as const;
const ofNumbers = described("x", "x", numbers, null);
const coding = codingOf(ofClusters);
const { limits } = codingOf(ofNumbers);
const everyPoint = pointsThat(N, () => 1);
const index = hoverIndex(places);
const once = { iterations: 20, time: 0, warmupIterations: 3, warmupTime: 0 };

describe("a million points", () => {
  bench("filter: one hidden entry and one brush", () => {
    const flags = new Uint8Array(N).fill(1);
    applyHiding(flags, coding, [3]);
    applyBrush(flags, numbers, 0.2, 0.8);
    countOnes(flags);
  }, once);
  bench("order by a column", () => void orderBy(numbers, true), once);
  bench("coding of clusters", () => void codingOf(ofClusters), once);
  bench("coding of numbers, with percentiles", () => void codingOf(ofNumbers), once);
  bench("bins and counts of a histogram", () => void (limits && histogram(binsOf(numbers, limits), mask, visible)), once);
  bench("places of clusters", () => void clusterRows(clusters, ids), once);
  bench("counts of clusters", () => void clusterCounts(rows, K - 1, mask, visible), once);
  bench("points of one cluster", () => void pointsWhere(clusters, 3), once);
  bench("selected points", () => void selectedPoints(mask, visible), once);
  bench("selection of everything that is seen", () => void changeSelection(mask, visibleAmong(everyPoint, visible), "replace"), once);
  bench("points of a million samples", () => void pointsOfSamples(indices, indices, N), once);
  bench("next point by arrow key", () => void toward(places, [0.5, 0.5], [1, 0], visible), once);
  bench("hover under a filter", () => void nearest(index, 0.5, 0.5, 0.01, visible), once);
});
