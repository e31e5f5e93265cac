import { describe, expect, test } from "vitest";

import type { Numbers } from "../src/api/binary";
import { NONE, OTHER, codingOf, limitsOf } from "../src/state/class/coding";
import { coloringOf } from "../src/state/class/coloring";
import { correctness, described } from "../src/state/class/pointcolumns";
import type { PointColumn } from "../src/state/class/pointcolumns";
import {
  NO_FILTER,
  applyBrush,
  applyHiding,
  formatBrushes,
  formatHidings,
  parseBrushes,
  parseHidings,
  withBrush,
  withHiding,
} from "../src/state/class/filter";
import { Filter } from "../src/state/class/filter.svelte";
import { BINS, binsOf, brushFrom, histogram } from "../src/state/class/histogram";
import { atRanks, orderBy } from "../src/state/class/ordering";
import { clusterCounts, clusterRows, pointsOfSamples, selectedPoints, visibleAmong } from "../src/state/class/selection";

const NAN = Number.NaN;

function column(kind: PointColumn["kind"], values: Numbers, names: string[] = []): PointColumn {
  return { id: "c", title: "c", values, kind, nameOf: (code) => names[code] ?? `cluster ${code}`, none: "noise" };
}

describe("colors of points", () => {
  const legendOf = (of: PointColumn) => coloringOf(of, codingOf(of), "light").legend.map(({ name, count }) => [name, count]);

  test("noise is neutral and called noise, and a cluster's byte is its number", () => {
    const clusters = column("clusters", Int32Array.of(0, 4, -1, 4));
    expect([...codingOf(clusters).bytes]).toEqual([0, 4, NONE, 4]);
    expect(legendOf(clusters)).toEqual([["cluster 0", 1], ["cluster 4", 2], ["noise", 1]]);
  });

  test("clusters beyond eight differ from the first eight by shape", () => {
    const clusters = column("clusters", Int32Array.of(0, 8, 16));
    const { legend } = coloringOf(clusters, codingOf(clusters), "dark");
    expect(legend.map((entry) => entry.shape)).toEqual([0, 1, 2]);
    expect(new Set(legend.map((entry) => entry.color)).size).toBe(1);
  });

  test("of hundreds of clusters no two share a byte except as other", () => {
    const { bytes, categories } = codingOf(column("clusters", Int32Array.from({ length: 400 }, (_, at) => at)));
    expect([bytes[252], bytes[253], bytes[399]]).toEqual([252, OTHER, OTHER]);
    expect(categories.at(-1)).toEqual({ byte: OTHER, code: -2, count: 147 });
  });

  test("classes are ranked by how often they come; beyond 32 they are other, and what is unknown is apart", () => {
    const few = column("ranked", Int32Array.of(4, 4, 2, -1), ["a", "b", "c", "d", "e"]);
    expect([...codingOf(few).bytes]).toEqual([0, 0, 1, NONE]);
    expect(legendOf(few)).toEqual([["e", 2], ["c", 1], ["noise", 1]]);
    const many = codingOf(column("ranked", Int32Array.from({ length: 100 }, (_, at) => at % 40)));
    expect(many.categories).toHaveLength(33);
    expect(many.categories.at(-1)).toEqual({ byte: OTHER, code: -2, count: 16 });
  });

  test("a code that no list of names can have is other and costs no memory", () => {
    expect([...codingOf(column("ranked", Int32Array.of(2_000_000_000, 1, 1))).bytes]).toEqual([OTHER, 0, 0]);
  });

  test("correctness needs a label", () => {
    expect([...correctness(Int32Array.of(1, 2, 3), Int32Array.of(1, 1, -1))]).toEqual([0, 1, -1]);
  });

  test("whole numbers that are only 0 and 1 are categories, texts are named by their codes", () => {
    expect(described("x", "x", Uint8Array.of(0, 1), null).kind).toBe("codes");
    expect(described("x", "x", Int32Array.of(0, 1, 7), null).kind).toBe("numbers");
    expect(described("x", "x", Int32Array.of(1, -1), ["a", "<b>"]).nameOf(1)).toBe("<b>");
  });
});

describe("scale", () => {
  test("spans what is finite, and NaN is neutral", () => {
    const { bytes, limits } = codingOf(column("numbers", Float32Array.of(-1, 3, 1, NAN, Infinity)));
    expect([...bytes]).toEqual([0, 253, 127, NONE, NONE]);
    expect(limits).toMatchObject({ low: -1, high: 3, robust: false, missing: 2 });
  });

  test("a few far values do not squeeze the others, and are counted", () => {
    const values = Float32Array.from({ length: 1000 }, (_, at) => at / 1000);
    values[500] = 1e6;
    const limits = limitsOf(values);
    expect(limits).toMatchObject({ robust: true, above: 10, below: 10, least: 0, greatest: 1e6 });
    expect(limits.high).toBeLessThan(1);
  });

  test.each([[[]], [[NAN]], [[2, 2, 2]]])("%j has limits without NaN", (values) => {
    const limits = limitsOf(Float32Array.from(values));
    expect(Object.values(limits).every((value) => typeof value === "boolean" || Number.isFinite(value))).toBe(true);
  });
});

describe("order", () => {
  test("is that of a stable sort, with what is not finite last in both directions", () => {
    const values = Float32Array.of(3, -0.5, NAN, 1e-30, -2e9, 3, Infinity, 0);
    expect([...orderBy(values)]).toEqual([4, 1, 7, 3, 0, 5, 2, 6]);
    expect([...orderBy(values, true)]).toEqual([0, 5, 3, 7, 1, 4, 2, 6]);
    expect([...orderBy(Float32Array.of(0, -0, 0))]).toEqual([0, 1, 2]);
    expect([...orderBy(Int32Array.of(5, -70000, 70000, 0))]).toEqual([1, 3, 0, 2]);
  });
});

describe("values at ranks", () => {
  test("are those of the sorted values, for all kinds of numbers", () => {
    const floats = Float32Array.from({ length: 999 }, (_, at) => Math.sin(at * 7) * 10 ** (at % 9));
    const integers = Int32Array.from(floats);
    for (const values of [floats, integers, Uint8Array.from(integers, Math.abs)]) {
      const ranks = [0, 1, 499, 998];
      const { finite, found } = atRanks(values, () => ranks);
      const sorted = Array.from(values).sort((a, b) => a - b);
      expect([finite, found]).toEqual([999, ranks.map((rank) => sorted[rank])]);
    }
    expect(atRanks(Float32Array.of(NAN, 2, Infinity, -1), (finite) => [0, finite - 1])).toEqual({ finite: 2, found: [-1, 2] });
  });
});

describe("filter", () => {
  const codes = column("ranked", Int32Array.of(7, 7, 3, -1));
  const visible = (apply: (flags: Uint8Array) => void) => {
    const flags = new Uint8Array(4).fill(1);
    apply(flags);
    return [...flags];
  };

  test("hides the points of legend entries, the unknown ones by -1", () => {
    expect(visible((flags) => applyHiding(flags, codingOf(codes), [7]))).toEqual([0, 0, 1, 1]);
    expect(visible((flags) => applyHiding(flags, codingOf(codes), [3, -1, 99]))).toEqual([1, 1, 0, 0]);
  });

  test("a brush includes its ends, and NaN lies in none", () => {
    const values = Float32Array.of(0.25, 0.5, NAN, 2);
    expect(visible((flags) => applyBrush(flags, values, 0.25, 0.5))).toEqual([1, 1, 0, 0]);
    expect(visible((flags) => applyBrush(flags, values, -Infinity, 100))).toEqual([1, 1, 0, 1]);
  });

  test("a column has one brush and one list of hidden entries, and empty ones are gone", () => {
    let state = withBrush(withBrush(NO_FILTER, "a", 0, 1), "a", 2, 3);
    state = withHiding(state, "b", [3, -1]);
    expect(state).toEqual({ hidings: [{ column: "b", codes: [-1, 3] }], brushes: [{ column: "a", low: 2, high: 3 }] });
    expect(withHiding(withBrush(state, "a", -Infinity, Infinity), "b", [])).toEqual(NO_FILTER);
  });

  test("solo leaves one entry, and a second time brings all back", () => {
    const filter = new Filter();
    filter.solo("a", 1, [0, 1, 2, -1]);
    expect(filter.hiddenCodes("a")).toEqual([-1, 0, 2]);
    filter.solo("a", 1, [0, 1, 2, -1]);
    expect(filter.active).toBe(false);
  });

  test("conditions come back from an address as they were", () => {
    const hidings = [{ column: "class:clustering.k;means", codes: [-1, 3] }, { column: "label", codes: [-2] }];
    const brushes = [{ column: "run:a:b", low: -Infinity, high: 1e-7 }, { column: "confidence", low: 0.2, high: 0.8 }];
    expect(parseHidings(formatHidings(hidings))).toEqual(hidings);
    expect(parseBrushes(formatBrushes(brushes))).toEqual(brushes);
    expect([formatHidings([]), formatBrushes([])]).toEqual([null, null]);
  });

  test.each(["", ":", "a", "a:", "a:x", "a:1.5", "%E0%A4%A:1", ";;", "a:1,,2"])("%s, written by hand, hides nothing", (text) => {
    expect(parseHidings(text)).toEqual([]);
  });

  test.each(["", "a", "a::", "a:x:1", "a:NaN:", ";"])("%s, written by hand, brushes nothing", (text) => {
    expect(parseBrushes(text)).toEqual([]);
  });
});

describe("selection under a filter", () => {
  const visible = Uint8Array.of(1, 0, 1, 1);

  test("takes no hidden point in, and lists none", () => {
    expect(Array.from(visibleAmong([2, 1, 0], visible))).toEqual([2, 0]);
    expect([...selectedPoints(Uint8Array.of(1, 1, 0, 1), visible)]).toEqual([0, 3]);
  });

  test("counts of clusters respect it, and noise stands last", () => {
    const rows = clusterRows(Int32Array.of(5, 5, -1, 2), [2, 5]);
    expect([...rows]).toEqual([1, 1, 2, 0]);
    const { all, visible: seen, selected } = clusterCounts(rows, 2, Uint8Array.of(1, 1, 0, 0), visible);
    expect([[...all], [...seen], [...selected]]).toEqual([[1, 2, 1], [1, 1, 1], [0, 1, 0]]);
  });

  test("samples of other classes, and numbers beyond the run, have no point", () => {
    expect([...pointsOfSamples(Int32Array.of(9, 4, 7), [4, 9, 5, 1e9], 10)]).toEqual([0, 1]);
  });
});

describe("histogram", () => {
  const limits = limitsOf(Float32Array.of(0, 1));

  test("every finite value lies in a bin, the greatest in the last", () => {
    expect([...binsOf(Float32Array.of(0, 1, 0.5, NAN, -3, 9), limits)]).toEqual([0, BINS - 1, BINS / 2, NONE, 0, BINS - 1]);
  });

  test("counts all, seen and selected points", () => {
    const { all, visible, selected } = histogram(Uint8Array.of(3, 3, 3, NONE), Uint8Array.of(1, 1, 0, 1), Uint8Array.of(1, 0, 1, 1));
    expect([all[3], visible[3], selected[3], all[NONE]]).toEqual([3, 2, 1, 1]);
  });

  test("a drag to the end of the plot leaves that end open", () => {
    expect(brushFrom(0.5, -0.1, limits)).toEqual({ low: -Infinity, high: 0.5 });
    expect(brushFrom(0.12345, 1.2, limits)).toEqual({ low: 0.12, high: Infinity });
    expect(brushFrom(0, 1, limits)).toEqual({ low: -Infinity, high: Infinity });
  });
});

test("a click, also at the end of the plot, and a drag over a single value brush nothing", () => {
  const limits = limitsOf(Float32Array.of(0, 0.25, 0.5, 1));
  const none = { low: -Infinity, high: Infinity };
  for (const place of [0, 0.4, 1]) expect(brushFrom(place, place, limits)).toEqual(none);
  expect(brushFrom(0.2, 0.8, limitsOf(Float32Array.of(3, 3)))).toEqual(none);
});

test("of several conditions on a column the last holds", () => {
  expect(parseHidings("label:1;class:2;label:3")).toEqual([{ column: "label", codes: [3] }, { column: "class", codes: [2] }]);
  expect(parseBrushes("score:1:2;score:3:")).toEqual([{ column: "score", low: 3, high: Infinity }]);
});
