import { describe, expect, test } from "vitest";

import WRITTEN from "./numbers.json";

import { tagsOf } from "../src/state/page/book.svelte";
import { decodeClusters, decodeIndices, encodeClusters, encodeIndices } from "../src/state/address/codes";
import { fixed, number, percent, plural, probability, shellArgument, wholePercent } from "../src/state/page/format";
import { BINDINGS, commandOf, isMac, keyNames } from "../src/state/page/keys";
import { HOME, formatRoute, parseRoute } from "../src/state/address/route";
import { HIDDEN, SELECTED } from "../src/scatter/renderer";
import { changeSelection, modeOf, packSelection, selectedPoints, unpackSelection } from "../src/state/class/selection";

describe("address", () => {
  test.each([
    HOME,
    { ...HOME, run: "cifar" },
    { ...HOME, run: "cifar", classOrder: "-size", classFilter: "a & b" },
    { ...HOME, run: "a/b c?&#%", analysis: "spräy", category: "00007" },
    { ...HOME, run: "r", analysis: "a", category: "c", clustering: "k means&", embedding: "t=sne", sample: 123456 },
    { ...HOME, axes: [2, 0] as const, camera: { x: 0.25, y: -1.5, zoom: 12.34567 }, color: "confidence", selected: "3-2.4" },
    { ...HOME, order: "least confident", colorMap: "00f,80:fff,f00", pictures: "map" },
    { ...HOME, run: "r", sample: 3, with: { ...HOME, run: "b/ c?&", analysis: "spräy", category: "00007", clustering: "k means", axes: [1, 2] as const } },
    { ...HOME, run: "r", with: { ...HOME, run: "b", camera: { x: 0.5, y: 1, zoom: 2 }, selected: "3-2", color: "confidence" } },
    { ...HOME, hide: "class%3Aclustering.kmeans:-1,3", brush: "confidence:0.2:" },
    { ...HOME, pictures: "overlay", norm: "cluster", clip: "99.5", gamma: "0.65", opacity: "0.4", sampling: "smooth" },
    { ...HOME, clusters: "purity", means: "absolute", draw: "density", methods: "shared" },
    { ...HOME, run: "r", with: { ...HOME, run: "b", hide: "label:3", clusters: "size", means: "absolute", draw: "density" } },
  ])("%j comes back as it was", (route) => {
    expect(parseRoute(formatRoute(route))).toEqual(route);
  });

  test("the spelling of earlier versions is read", () => {
    const route = parseRoute("#/r/a/c?colour=label&with=r%2Fb&with-colour=confidence");
    expect([route.color, route.with?.color]).toEqual(["label", "confidence"]);
    expect(formatRoute(route)).toContain("?color=label");
  });

  test.each(["", "#", "#/", "#//", "#/%E0%A4%A", "#/run?sample=-1", "#/run?sample=1e9&x", "#?sample", "#/r?axes=0,1&camera=1,2,0", "#?camera=a,,"])(
    "%s, written by hand, is read without an error",
    (hash) => {
      expect(parseRoute(hash)).toMatchObject({ analysis: null, category: null, sample: null, axes: null, camera: null });
    },
  );
});

describe("indices in an address", () => {
  test.each([[[]], [[0]], [[3, 4, 5, 9]], [[0, 1, 2]], [[7, 1_000_000, 1_000_001]]])("%j come back as they were", (indices) => {
    const text = encodeIndices(indices) ?? "";
    expect(text === "" ? [] : decodeIndices(text)).toEqual(indices);
  });

  test("a million neighbors are short, and scattered ones are left out", () => {
    expect(encodeIndices(Int32Array.from({ length: 1_000_000 }, (_, at) => at))).toBe("0-lflr");
    expect(encodeIndices(Int32Array.from({ length: 10_000 }, (_, at) => at * 3))).toBeNull();
  });

  test.each(["", "x y", "-1", "1..2", "zzzzzzzzz", "0-zzzzzzz"])("%s, written by hand, is refused", (text) => {
    expect(decodeIndices(text)).toBeNull();
  });
});

describe("whole clusters in an address", () => {
  test.each([[[0]], [[3, 12, -1]]])("%j come back as they were, and are no indices", (ids) => {
    const text = encodeClusters(ids);
    expect(decodeClusters(text)).toEqual(ids);
    expect(decodeIndices(text)).toBeNull();
  });

  test.each(["", "_", "0", "_x", "_1.2", "_--1"])("%s, written by hand, names none", (text) => {
    expect(decodeClusters(text)).toBeNull();
  });
});

describe("selection", () => {
  test("is replaced, added to and taken away from, and leaves other bits", () => {
    const mask = Uint8Array.of(1, 2, 0, 3);
    expect([...changeSelection(mask, [2], "replace")]).toEqual([0, 2, 1, 2]);
    expect([...changeSelection(mask, [1, 2], "add")]).toEqual([1, 3, 1, 3]);
    expect([...changeSelection(mask, [0, 2], "subtract")]).toEqual([0, 2, 0, 3]);
    expect([...mask]).toEqual([1, 2, 0, 3]);
    expect([...selectedPoints(mask)]).toEqual([0, 3]);
  });

  test.each([0, 1, 7, 8, 9, 17])("of %i points is kept eight to a byte, without other bits", (size) => {
    const mask = Uint8Array.from({ length: size }, (_, point) => (point % 3 === 0 ? SELECTED : 0) | (point % 2 === 0 ? HIDDEN : 0));
    const packed = packSelection(mask);
    expect(packed.byteLength).toBe(Math.ceil(size / 8));
    expect(unpackSelection(packed, size)).toEqual(mask.map((byte) => byte & SELECTED));
  });

  test("Alt takes away, Shift adds, otherwise the chosen mode holds", () => {
    expect(modeOf({ shiftKey: true, altKey: true })).toBe("subtract");
    expect(modeOf({ shiftKey: true, altKey: false }, "subtract")).toBe("add");
    expect(modeOf({ shiftKey: false, altKey: false }, "subtract")).toBe("subtract");
  });
});

test("keys do nothing with Ctrl, and letters nothing where they are switched off", () => {
  const key = (name: string, ctrlKey = false) => ({ key: name, ctrlKey, metaKey: false, altKey: false });
  expect(commandOf(key("l"), true)).toBe("lasso");
  expect(commandOf(key("l"), false)).toBeNull();
  expect(commandOf(key("l", true), true)).toBeNull();
  expect(commandOf(key("z", true), false)).toBe("undo");
  expect(commandOf(key("Escape"), false)).toBe("clear");
  expect(commandOf(key("3"), true)).toEqual({ cluster: 3 });
  expect(commandOf(key("/"), true)).toBe("find");
  expect(commandOf(key("Shift"), true)).toBeNull();
});

test("no key means two things, and the help names each as the keyboard does", () => {
  const everywhere = BINDINGS.filter(({ kind }) => kind !== "scatter");
  const pressed = everywhere.flatMap(({ keys, kind }) => keys.map((key) => `${kind === "command"} ${key}`));
  expect(new Set(pressed).size).toBe(pressed.length);
  const named = (command: string, mac: boolean) => BINDINGS.filter((binding) => binding.command === command).map((binding) => keyNames(binding, mac));
  expect([named("undo", false), named("undo", true)]).toEqual([[["Ctrl", "Z"]], [["⌘", "Z"]]]);
  expect([named("cluster", false), named("previous", false)]).toEqual([[["0", "…", "9"]], [["←"]]]);
  expect([isMac("MacIntel"), isMac("Linux x86_64")]).toEqual([true, false]);
});

test("numbers that are not known are a dash, never NaN", () => {
  expect([number(null), number(Number.NaN), percent(undefined), probability(null)]).toEqual(["–", "–", "–", "–"]);
  expect([number(3.3), number(5), number(412), number(0.00001234), number(0)]).toEqual(["3.30", "5.00", "412", "1.23e-5", "0"]);
  expect([plural(1, "class", "classes"), plural(2, "class", "classes")]).toEqual(["1 class", "2 classes"]);
});

test.each(WRITTEN.numbers as [number, number, string][])("%d with %d decimals is written as in the report: %s", (value, decimals, written) => {
  expect(fixed(value, decimals)).toBe(written);
});

test.each(WRITTEN.percents as [number, string][])("the share %d is written as in the report: %s", (value, written) => {
  expect(wholePercent(value)).toBe(written);
});

test("a share with a decimal is 0 % or 100 % only where it is exact", () => {
  expect([0, 0.0004, 0.5, 0.9996, 1, -0.0004].map((share) => percent(share))).toEqual(["0 %", "<0.1 %", "50.0 %", ">99.9 %", "100 %", ">-0.1 %"]);
});

test("tags are typed with commas, and each counts once", () => {
  expect(tagsOf(" clever hans, mark ,,mark ")).toEqual(["clever hans", "mark"]);
});

test.each([
  ["runs/mine", "runs/mine"],
  ["my run", "'my run'"],
  ["-run", "./-run"],
  ["it's $(touch pwned)", `'it'"'"'s $(touch pwned)'`],
])("the path %s is one argument of a command", (path, argument) => {
  expect(shellArgument(path)).toBe(argument);
});
