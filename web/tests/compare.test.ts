import { describe, expect, test } from "vitest";

import type { DataSource } from "../src/api/source";
import { adjustedRandIndex, normalizedMutualInformation } from "../src/state/compare/agreement";
import { NOISE, contingency, pointsOfCell, selectedCells, withoutNoise } from "../src/state/compare/contingency";
import { offered, suggested } from "../src/state/compare/other";
import type { Here } from "../src/state/compare/other";
import { pairPoints, partners, visiblePairs } from "../src/state/compare/pairing";
import CASES from "./agreement.json";

const ints = (...values: number[]) => Int32Array.from(values);
const everyPoint = (length: number) => Int32Array.from({ length }, (_, point) => point);

describe("pairing", () => {
  test("within a run the same rows belong together, wherever the points stand", () => {
    const { toRight, toLeft, shared } = pairPoints(ints(2, 5, 7), ints(5, 6, 7, 9), null, 10);
    expect([[...toRight], [...toLeft], shared]).toEqual([[-1, 0, 2], [1, -1, 2, -1], 2]);
  });

  test("between runs the rows of the same sample belong together", () => {
    const rows = ints(3, -1, 0, 1); // row 1 of the left run is not in the right one
    const { toRight, toLeft, shared } = pairPoints(ints(0, 1, 2), ints(0, 2, 3), rows, 4);
    expect([[...toRight], [...toLeft], shared]).toEqual([[2, -1, 0], [2, -1, 0], 2]);
  });

  test("classes without a common sample share nothing", () => {
    expect(pairPoints(ints(0, 2), ints(1, 3), null, 4).shared).toBe(0);
    expect(pairPoints(ints(), ints(), null, 0)).toMatchObject({ shared: 0 });
  });

  test("points without a partner have none to select", () => {
    expect([...partners([0, 1, 2], ints(4, -1, 3))]).toEqual([4, 3]);
  });
});

describe("pairs that a filter leaves", () => {
  const pairing = { toRight: Int32Array.of(2, -1, 0, 1), toLeft: Int32Array.of(2, 3, 0), shared: 3 };

  test("are all of them without a filter", () => {
    expect(visiblePairs(pairing, null, null)).toBe(pairing.toRight);
  });

  test("have both sides seen, and each place keeps its own", () => {
    expect([...visiblePairs(pairing, Uint8Array.of(0, 1, 1, 1), null)]).toEqual([-1, -1, 0, 1]);
    expect([...visiblePairs(pairing, null, Uint8Array.of(0, 1, 1))]).toEqual([2, -1, -1, 1]);
    expect([...visiblePairs(pairing, Uint8Array.of(1, 1, 1, 0), Uint8Array.of(0, 1, 1))]).toEqual([2, -1, -1, -1]);
    expect([...visiblePairs(pairing, new Uint8Array(4), new Uint8Array(3))]).toEqual([-1, -1, -1, -1]);
  });
});

describe("contingency", () => {
  const left = ints(0, 0, 4, -1, 4, 0);
  const right = ints(1, -1, 1, 1, 0);
  const toRight = ints(0, 1, 2, 3, 4, -1);

  test("counts shared samples by both clusters, noise last, clusters without one left out", () => {
    const table = contingency(left, right, toRight);
    expect(table.rows).toEqual([0, 4, NOISE]);
    expect(table.columns).toEqual([0, 1, NOISE]);
    expect([...table.counts]).toEqual([0, 1, 1, 1, 1, 0, 0, 1, 0]);
    expect([table.rowTotals, table.columnTotals, table.total]).toEqual([[2, 2, 1], [1, 3, 1], 5]);
  });

  test("without noise only samples that are in a cluster on both sides are left", () => {
    const table = withoutNoise(contingency(left, right, toRight));
    expect([table.rows, table.columns, [...table.counts], table.total]).toEqual([[0, 4], [0, 1], [0, 1, 1, 1], 3]);
  });

  test("a cell, a row and a column hold the points that they count", () => {
    const points = (row: number | null, column: number | null) => [...pointsOfCell(left, right, toRight, row, column)];
    expect([points(4, 0), points(4, null), points(null, 1), points(NOISE, null), points(null, null)]).toEqual([[4], [2, 4], [0, 2, 3], [3], [0, 1, 2, 3, 4]]);
  });

  test("selected samples are counted in the same cells", () => {
    const mask = Uint8Array.of(1, 0, 3, 2, 0, 1); // the second bit is not the selection, the last point not shared
    const table = contingency(left, right, toRight);
    expect([...selectedCells(table, left, right, toRight, mask).counts]).toEqual([0, 1, 0, 0, 1, 0, 0, 0, 0]);
  });

  test("a million samples are counted", () => {
    const count = 1_000_000;
    const clusters = everyPoint(count).map((point) => (point % 11) - 1);
    const table = contingency(clusters, clusters, everyPoint(count));
    expect([table.rows.length, table.total, adjustedRandIndex(table), normalizedMutualInformation(table)]).toEqual([11, count, 1, 1]);
  });
});

describe("agreement", () => {
  test.each(CASES)("of clusterings that are $name is scikit-learn's", ({ left, right, adjusted_rand, information }) => {
    const table = contingency(Int32Array.from(left), Int32Array.from(right), everyPoint(left.length));
    expect(adjustedRandIndex(table)).toBeCloseTo(adjusted_rand, 12);
    expect(normalizedMutualInformation(table)).toBeCloseTo(information, 12);
  });

  test("is not known without samples", () => {
    const none = contingency(ints(), ints(), ints());
    expect([adjustedRandIndex(none), normalizedMutualInformation(none)]).toEqual([null, null]);
  });
});

describe("what is proposed beside a class", () => {
  const here: Here = { run: "a", analysis: "spray", className: "horse", clustering: "kmeans", embedding: "tsne" };
  const horse = { id: "2", name: "horse", problem: null };
  const cat = { id: "0", name: "cat", problem: null };
  const source = (analyses: Record<string, Record<string, object[]>>, clusterings: string[], embeddings: string[]) =>
    ({
      run: async (id: string) => {
        if (!(id in analyses)) throw new Error("broken");
        return { id, analyses: Object.keys(analyses[id]).map((name) => ({ name })) };
      },
      analysis: async (run: string, name: string) => ({ name, categories: analyses[run][name] }),
      category: async (run: string, name: string, id: string) => {
        const named = Object.fromEntries(clusterings.map((clustering) => [clustering, {}]));
        const row = analyses[run][name].find((row) => (row as typeof horse).id === id) as typeof horse;
        const evidence = { clusterings: named, embeddings: Object.fromEntries(embeddings.map((embedding) => [embedding, {}])), default_clustering: clusterings[0] };
        return { id, name: row.name, evidence };
      },
    }) as unknown as DataSource;

  test.each([
    ["the class in another run", { a: { spray: [horse] }, b: { other: [cat], spray: [cat, horse] } }, ["b", "spray", "2", "kmeans", "tsne"]],
    ["in another analysis, where the other run is broken or lacks it", { a: { spray: [horse], deep: [horse] }, b: { spray: [cat] } }, ["a", "deep", "2", "kmeans", "tsne"]],
    ["with another clustering", { a: { spray: [cat, horse] } }, ["a", "spray", "2", "hdbscan", "tsne"]],
  ])("%s", async (_, analyses, expected) => {
    const offer = await suggested(source(analyses, ["kmeans", "hdbscan"], ["tsne"]), ["a", "b", "broken"], here);
    expect([offer.run.id, offer.analysis?.name, offer.detail?.id, offer.clustering, offer.embedding]).toEqual(expected);
  });

  test("with another embedding, then another class, then itself", async () => {
    const of = async (embeddings: string[], classes: object[]) => suggested(source({ a: { spray: classes } }, ["kmeans"], embeddings), ["a"], here);
    expect(await of(["tsne", "umap"], [cat, horse])).toMatchObject({ embedding: "umap", detail: { id: "2" } });
    expect(await of(["tsne"], [cat, horse])).toMatchObject({ detail: { id: "0" } });
    expect(await of(["tsne"], [horse])).toMatchObject({ detail: { id: "2" } });
  });

  test("classes that were not analyzed are not offered", async () => {
    const rows = [{ ...horse, problem: "too small" }];
    expect((await offered(source({ a: { spray: rows } }, ["kmeans"], []), { run: "a" }, here)).detail).toBeNull();
  });
});
