import { describe, expect, it } from "vitest";

import { embeddedSource } from "../src/api/embedded/source";
import { found } from "../src/api/embedded/find";
import { fileOf, type Line, lineOf } from "../src/api/embedded/table";
import type { Contents } from "../src/api/embedded/archive";
import type { Sample } from "../src/api/types";

const sample = (index: number, id: string, label_name: string | null): Sample => ({
  index,
  id,
  label: 0,
  label_name,
  prediction: 1,
  prediction_name: "dog",
  target: 1,
  target_name: "dog",
  confidence: 0.5,
  box: null,
  status: 1,
  error: null,
});

/** A page that holds two of five samples. */
function source() {
  const blocks = [
    new Float32Array([0.5, 0.25]).buffer, // a column of the run at the rows 3 and 1
    new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64, 1, 2, 3, 4]).buffer, // maps of 1 x 2: scales 1 and 2, then codes
    new Int32Array([3, 1]).buffer,
    new Float32Array([0, 0, 1, 2]).buffer,
  ];
  const contents: Partial<Contents> = {
    note: "A copy",
    answers: { runs: [], "runs/r/analyses/a/c": { columns: [] } },
    arrays: {
      "runs/r/analyses/a/c/columns/index": { block: 2, dtype: "int32", shape: [2] },
      "runs/r/analyses/a/c/columns/embedding.x": { block: 3, dtype: "float32", shape: [2, 2] },
    },
    scattered: { "runs/r/columns/confidence": { block: 0, dtype: "float32", shape: [2], length: 5 } },
    lists: { "runs/r/samples": { rows: [3, 1], values: [sample(3, "c", "cat"), sample(1, "a", "cat")] } },
    pictures: { "runs/r/maps": { rows: [3, 1], blocks: [1], per: 256, dtype: "uint8", shape: [1, 2], form: "scaled", length: null } },
    rows: [3, 1],
  };
  return embeddedSource(async (name) =>
    name === "contents" ? new TextEncoder().encode(JSON.stringify(contents)).buffer : blocks[name],
  );
}

describe("a page that holds its data", () => {
  it("gives a column of the run with what it holds, and of a class in its order", async () => {
    const { column } = await source();
    expect(Array.from((await column("r", "confidence")).data)).toEqual([NaN, 0.25, NaN, 0.5, NaN]);
    const within = await column("r", "confidence", { analysis: "a", category: "c" });
    expect(Array.from(within.data)).toEqual([0.5, 0.25]);
  });

  it("gives maps in the order asked for, each with its scale", async () => {
    const { maps } = await source();
    const [one, three] = await maps("r", [1, 3], 64);
    expect([one.scale, ...one.codes, three.scale, ...three.codes]).toEqual([2, 3, 4, 1, 1, 2]);
  });

  it("places points as the server does", async () => {
    const places = await (await source()).places("r", "a", "c", "x", [0, 1]);
    expect(Array.from(places.slice(2))).toEqual([Math.round(65534 * 0.75), 65534]);
  });

  it("tells what it does not hold, and that it cannot be written to", async () => {
    const held = await source();
    await expect(held.samples("r", [2])).rejects.toThrow("This file does not include sample 2.");
    await expect(held.relevance("r", 1)).rejects.toThrow("This file does not include these data.");
    await expect(held.deleteSelection("r", "s", 1)).rejects.toThrow("cannot be written to");
    expect(held.can).toMatchObject({ write: false, note: "A copy" });
  });
});

describe("what is found in a page", () => {
  const samples = [sample(30, "b3.png", "Horse"), sample(3, "a30.png", "cat"), sample(4, "30", "cat")];

  it("is the id, then the number, then what contains the text, each once", () => {
    const { matches, total } = found(samples, " 30 ", 2, (index) => [`c${index}`]);
    expect(matches.map(({ index }) => index)).toEqual([4, 30]);
    expect([total, matches[0].categories]).toEqual([3, ["c4"]]);
    expect(found(samples, "horse", 50, () => []).matches.map(({ index }) => index)).toEqual([30]);
  });
});

describe("an exported table", () => {
  const lines = [lineOf(sample(3, 'a "b", c', null), ["cat", "dog"], { kmeans: 2, dbscan: null })];

  it("takes no text for a formula, and leaves numbers as they are", async () => {
    const line = { index: -1, id: "=1+1", label_name: "@cat", name: "dog", at: "-2" } as unknown as Line;
    const text = await fileOf([line], "csv", "runs/r", "r").text();
    expect(text.split("\n")[1]).toBe(`-1,"'=1+1","'@cat","dog","'-2"`);
  });

  it("is CSV as the server writes it", async () => {
    const text = await fileOf(lines, "csv", "runs/r", "r").text();
    expect(text).toBe(
      '"index","id","label","label_name","prediction","prediction_name","target","target_name","confidence","status","cluster.kmeans","cluster.dbscan"\n' +
        '3,"a ""b"", c",0,,1,"dog",1,"dog",0.5,1,2,\n',
    );
  });

  it("is Python that opens the run by its name", async () => {
    const file = fileOf(lines, "python", 'runs/"r"', "r");
    expect(file.name).toBe("r.py");
    expect(await file.text()).toContain('run = ws.open_run("runs/\\"r\\"")');
  });
});
