import { expect, test } from "vitest";

import { NORMS, PLAIN, appearanceTexts, readAppearance } from "../src/state/heatmaps/appearance";
import { pointOf } from "../src/state/heatmaps/norms.svelte";
import { HOME, formatRoute, parseRoute } from "../src/state/address/route";
import { TERMS } from "../src/state/class/terms";

test("an appearance comes back from its texts, and what is plain is left out", () => {
  const chosen = { mode: "side by side", norm: "cluster", clip: 99.5, gamma: 0.45, opacity: 0.6, sampling: "smooth" } as const;
  expect(readAppearance(appearanceTexts(chosen))).toEqual(chosen);
  expect(Object.values(appearanceTexts(PLAIN))).toEqual([null, null, null, null, null, null]);
  expect(readAppearance({ gamma: "0.5" }, chosen)).toEqual({ ...chosen, gamma: 0.5 });
});

test.each([{ gamma: "0" }, { gamma: "1e9" }, { opacity: "x" }, { clip: "50" }, { norm: "each" }, { sampling: "" }, { mode: null }])(
  "%j, written by hand, changes nothing",
  (texts) => {
    expect(readAppearance(texts)).toEqual(PLAIN);
  },
);

test("what a map's colors mean is defined for every scale that can be chosen, and for percentiles", () => {
  expect(NORMS.filter((norm) => !TERMS.map.meaning.match(`[(](scale of: )?${norm}[)]`))).toEqual([]);
  expect(TERMS.map.meaning).toContain("percentile");
});

test("an address holds how the pictures look", () => {
  const route = { ...HOME, run: "r", pictures: "side by side", norm: "all", clip: "99", gamma: "0.5", opacity: "0.8", sampling: "pixelated" };
  expect(parseRoute(formatRoute(route))).toEqual(route);
});

test("a sample's place among rising indices, or none", () => {
  const indices = Int32Array.of(2, 5, 9);
  expect([2, 5, 9, 0, 3, 10].map((index) => pointOf(indices, index))).toEqual([0, 1, 2, -1, -1, -1]);
  expect(pointOf(new Int32Array(0), 1)).toBe(-1);
});
