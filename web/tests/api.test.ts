import { expect, test } from "vitest";

import { ahead } from "../src/api/ahead";
import { Batcher } from "../src/api/batcher";
import { SourceError } from "../src/api/source";
import type { DataSource } from "../src/api/source";
import { decodeColumn, decodeInputs, decodeMaps, parseShape } from "../src/api/binary";

test("maps are scales first and then codes, one after the other", () => {
  const buffer = new ArrayBuffer(8 + 4);
  new Float32Array(buffer, 0, 2).set([0.5, 2]);
  new Uint8Array(buffer, 8).set([1, 2, 3, 4]);
  const maps = decodeMaps(buffer, [2, 1, 2]);
  expect(maps.map(({ scale, codes }) => [scale, ...codes])).toEqual([[0.5, 1, 2], [2, 3, 4]]);
  expect([maps[0].height, maps[0].width]).toEqual([1, 2]);
});

test("inputs keep their channels last", () => {
  const [, second] = decodeInputs(Uint8Array.of(1, 2, 3, 4, 5, 6).buffer, [2, 1, 1, 3]);
  expect([...second.pixels]).toEqual([4, 5, 6]);
});

test("an answer of another length than announced is an error that says both", () => {
  expect(() => decodeMaps(new ArrayBuffer(5), [1, 1, 2])).toThrow("Expected 6 bytes for the shape 1 x 1 x 2, got 5");
  expect(() => decodeColumn(new ArrayBuffer(4), "float64", [1])).toThrow("float64");
  expect(() => parseShape("2,x")).toThrow("2,x");
  expect(() => parseShape(null)).toThrow();
});

test("integers arrive in any size, as values or as steps", () => {
  expect(decodeColumn(Int8Array.of(-1, 7).buffer, "int8", [2]).data).toEqual(Int32Array.of(-1, 7));
  expect(decodeColumn(Int16Array.of(300, 1, 2).buffer, "int16", [3], "steps").data).toEqual(Int32Array.of(300, 301, 303));
});

test("wishes of one turn travel together, and answers are kept", async () => {
  const asked: number[][] = [];
  const batcher = new Batcher(async (keys) => (asked.push(keys), keys.map((key) => key * 10)), 3, 100);
  expect(await Promise.all([1, 2, 3, 4, 1].map((key) => batcher.get(key)))).toEqual([10, 20, 30, 40, 10]);
  expect(asked).toEqual([[2, 3, 4], [1]]);
  await batcher.get(2);
  expect(asked).toHaveLength(2);
});

test("an error reaches who asked and is not kept", async () => {
  let broken = true;
  const batcher = new Batcher(async (keys) => (broken ? Promise.reject(new Error("down")) : keys), 10, 10);
  await expect(batcher.get(1)).rejects.toThrow("down");
  broken = false;
  expect(await batcher.get(1)).toBe(1);
});

test("a sample that cannot be read costs no other its answer", async () => {
  const refused = new Set([3, 6]);
  const asked: number[][] = [];
  const batcher = new Batcher(async (keys) => {
    asked.push(keys);
    const failed = keys.find((key) => refused.has(key));
    if (failed !== undefined) throw new SourceError(`sample ${failed} failed`, null, 409);
    return keys;
  }, 8, 100);
  const answers = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6, 7].map((key) => batcher.get(key)));
  expect(answers.map((answer) => (answer.status === "fulfilled" ? answer.value : (answer.reason as Error).message))).toEqual(
    [0, 1, 2, "sample 3 failed", 4, 5, "sample 6 failed", 7],
  );
  expect(asked.length).toBeLessThan(16);
});

test("a server that is down is asked once", async () => {
  let requests = 0;
  const batcher = new Batcher(async () => ((requests += 1), Promise.reject(new SourceError("The server does not answer."))), 8, 8);
  const answers = await Promise.allSettled([1, 2, 3].map((key) => batcher.get(key)));
  expect([requests, ...answers.map((answer) => answer.status)]).toEqual([1, "rejected", "rejected", "rejected"]);
});

test("the least recently used answer is forgotten first", async () => {
  let requests = 0;
  const batcher = new Batcher(async (keys) => ((requests += keys.length), keys), 1, 2);
  await batcher.get(1);
  await batcher.get(2);
  await batcher.get(1);
  await batcher.get(3);
  await batcher.get(1);
  expect(requests).toBe(3);
  await batcher.get(2);
  expect(requests).toBe(4);
});

test("what the address names is asked for at once, taken once, and asked for again where it was refused", async () => {
  const asked: string[] = [];
  const answers = (name: string) => async (...at: string[]) => {
    asked.push([name, ...at].join("/"));
    if (name === "category" && asked.length < 6) throw new SourceError("not yet", null);
    return asked.length;
  };
  const names = ["runs", "colorMaps", "run", "analysis", "category"] as const;
  const source = Object.fromEntries(names.map((name) => [name, answers(name)])) as unknown as DataSource;
  const first = ahead(source, { run: "a", analysis: "spray", category: "0" });
  const atOnce = ["runs", "colorMaps", "run/a", "analysis/a/spray", "category/a/spray/0"];
  expect(asked).toEqual(atOnce);
  expect([await first.run("a"), await first.analysis("a", "spray")]).toEqual([3, 4]);
  expect(asked).toEqual(atOnce);
  expect([await first.category("a", "spray", "0"), await first.run("a"), await first.analysis("a", "other")]).toEqual([6, 7, 8]);
});
