import { expect, test } from "vitest";

import { bandsOf, binsOf, pathOf, positionsOf, rangeOf, shortNames } from "../src/components/methods/lines";
import type { Line } from "../src/components/methods/lines";
import { idsIn, toggled } from "../src/state/page/shown";

const line = (points: Line["points"]): Line => ({ id: "a", name: "a", color: "red", dash: "", points });
const same = (value: number) => value;

test("the range holds 0, all values, the ends of intervals, and what is given", () => {
  const lines = [line([{ x: 0, y: 0.5, low: -0.25, high: 2 }, { x: 1, y: null }])];
  expect(rangeOf(lines)).toEqual([-0.25, 2]);
  expect(rangeOf(lines, [3])).toEqual([-0.25, 3]);
  expect(rangeOf([line([{ x: 0, y: 4 }])])).toEqual([0, 4]);
  expect(rangeOf([])).toEqual([0, 1]);
});

test("a missing value is a gap of the line and of its band", () => {
  const points = [
    { x: 0, y: 1, low: 0, high: 2 },
    { x: 1, y: 2, low: 1, high: 3 },
    { x: 2, y: null },
    { x: 3, y: 4, low: 3, high: 5 },
  ];
  expect(pathOf(points, same, same)).toBe("M0.0 1.0L1.0 2.0M3.0 4.0");
  expect(bandsOf(points, same, same)).toEqual(["M0.0 2.0L1.0 3.0L1.0 1.0L0.0 0.0Z"]); // a single point has no area
  expect(positionsOf([line(points), line([{ x: 0.5, y: 1 }])])).toEqual([0, 0.5, 1, 2, 3]);
});

test("bins hold every value once, and 0 is an edge", () => {
  const values = [-0.3, -0.1, 0, 0.05, 0.7, 1];
  const bins = binsOf(values, 10);
  expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(values.length);
  expect(bins.some((bin) => bin.from === 0)).toBe(true);
  for (const bin of bins) {
    const inside = values.filter((value) => value >= bin.from - 1e-12 && (value < bin.to - 1e-12 || (value === 1 && bin === bins.at(-1))));
    expect(bin.count).toBe(inside.length);
  }
  expect(binsOf([0, 0])).toEqual([{ from: -0.5, to: 0.5, count: 2 }]);
});

test("names are shortened where they stay different", () => {
  expect(shortNames(["runs/lrp", "runs/gradient"])).toEqual(["lrp", "gradient"]);
  expect(shortNames(["one/run", "two/run"])).toEqual(["one/run", "two/run"]);
});

test("ids in the state are added and removed", () => {
  const ids = idsIn(new URLSearchParams({ hidden: "a b" }), "hidden");
  expect(toggled(ids, "c")).toBe("a b c");
  expect(toggled(ids, "a")).toBe("b");
  expect(toggled(new Set(["b"]), "b")).toBeNull();
  expect(idsIn(new URLSearchParams(), "hidden").size).toBe(0);
});
