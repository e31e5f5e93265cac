import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { DataSource } from "../src/api/source";
import { SourceError } from "../src/api/source";
import type { Matches, RunDetail } from "../src/api/types";
import { ClassOrder } from "../src/state/page/classes.svelte";
import { TOO_LONG } from "../src/state/address/codes";
import { Finder } from "../src/state/page/finder.svelte";
import { documentIn, memoryOf, placeOf, remembering, stateFile } from "../src/state/address/passing";
import { HOME, parseRoute } from "../src/state/address/route";

const SCATTERED = Int32Array.from({ length: 10_000 }, (_, at) => at * 3);

describe("state file", () => {
  const runs = [{ id: "r", name: "runs/r", path: "/runs/r", hash: "sha256:0", n_explanations: 3, n_samples: 3 } as RunDetail];

  test("names the runs, and lists the selected only where the address cannot hold them", () => {
    const route = { ...HOME, run: "r", analysis: "a", category: "c", selected: "1.1" };
    const named = [{ id: "r", name: "runs/r", path: "/runs/r", hash: "sha256:0" }];
    const short = stateFile(route, [1, 2], runs, "dark");
    expect(short).toEqual({
      format: "whyset-state", schema: "1.0", runs: named, address: "#/r/a/c?selected=1.1", selected: null, appearance: { theme: "dark" },
    });
    expect(stateFile({ ...route, selected: TOO_LONG }, SCATTERED, runs, "dark").selected).toHaveLength(10_000);
  });

  test.each([["notes.txt", "no JSON"]])("%s is refused with what was expected", async (name, content) => {
    await expect(documentIn(new File([content], name))).rejects.toThrow("notes.txt is not JSON. Expected a state file");
  });
});

describe("a selection that is too long for an address", () => {
  test("is kept beside it and comes back; one that was not kept stays marked", () => {
    const { address, memory } = placeOf({ address: "#/r/a/c?color=x", selected: [...SCATTERED].reverse(), theme: null, told: [] });
    const route = parseRoute(address);
    expect([route.color, route.selected]).toEqual(["x", TOO_LONG]);
    const back = remembering(route, memory);
    expect(back.selected).toMatch(/^0\.3\.3/);
    expect(remembering(route, null).selected).toBe(TOO_LONG);
  });

  test("a short one stays in the address", () => {
    expect(placeOf({ address: "#/r/a/c", selected: [5, 3, 4], theme: null, told: [] })).toEqual({ address: "#/r/a/c?selected=3-2", memory: null });
    expect(memoryOf({ ...HOME, selected: "1" }, () => { throw new Error("never asked"); })).toBeNull();
  });
});

describe("finder", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const match = (index: number) => ({ index, id: `s${index}`, label_name: null, prediction_name: null, categories: [] });
  const answer = (count: number, total = count): Matches => ({ matches: Array.from({ length: count }, (_, at) => match(at)), total, truncated: total > count });
  const finderOver = (parts: Partial<DataSource>) => new Finder(parts as DataSource, "r", "a");

  test("asks once the typing pauses, and only for the last text", async () => {
    const find = vi.fn((_run: string, text: string) => Promise.resolve(answer(text.length)));
    const finder = finderOver({ find });
    for (const text of ["h", "ho", "hor "]) {
      finder.type(text);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect([find.mock.calls.length, finder.told]).toEqual([0, "Searching …"]);
    await vi.advanceTimersByTimeAsync(60);
    expect(find.mock.calls).toEqual([["r", "hor", { analysis: "a" }]]);
    expect([finder.matches.length, finder.rows, finder.told]).toEqual([3, [0, 1, 2], "3 samples found."]);
  });

  test("counts explanations where samples have several", async () => {
    const finder = new Finder({ find: () => Promise.resolve(answer(3)) } as unknown as DataSource, "r", "a", "explanation");
    finder.type("hor");
    await vi.advanceTimersByTimeAsync(200);
    expect(finder.told).toBe("3 explanations found.");
  });

  test("an answer that comes late is not shown", async () => {
    const answers: ((found: Matches) => void)[] = [];
    const finder = finderOver({ find: () => new Promise((resolve) => answers.push(resolve)) });
    finder.type("a");
    await vi.advanceTimersByTimeAsync(200);
    finder.type("ab");
    await vi.advanceTimersByTimeAsync(200);
    answers[1](answer(1));
    answers[0](answer(5));
    await vi.advanceTimersByTimeAsync(0);
    expect([finder.answered, finder.matches.length]).toEqual(["ab", 1]);
  });

  test("tells of nothing, of too much and of what went wrong, and asks for all rows where not all are listed", async () => {
    const finder = finderOver({
      find: (_run, text) => (text === "bad" ? Promise.reject(new SourceError("The server does not answer.")) : Promise.resolve(text === "x" ? answer(0) : answer(2, 70))),
      findRows: () => Promise.resolve([4, 5, 6]),
    });
    finder.type("x");
    await vi.advanceTimersByTimeAsync(200);
    expect([finder.told, finder.at, finder.chosen]).toEqual(["No sample has “x” in its id, label or texts.", -1, null]);
    finder.type("many");
    await vi.advanceTimersByTimeAsync(200);
    expect([finder.told, finder.rows]).toEqual(["70 samples found, of which 2 are listed: type more to narrow it down.", [4, 5, 6]]);
    finder.at += 5;
    expect(finder.at).toBe(1);
    finder.type("bad");
    await vi.advanceTimersByTimeAsync(200);
    expect([finder.problem, finder.told]).toEqual(["The server does not answer.", ""]);
  });
});

test("the order of the classes is read from an address as it is written there, and from a wrong one as by rank", () => {
  const classes = new ClassOrder();
  classes.sortBy("n_samples");
  expect(classes.order).toBe("-n_samples");
  const other = new ClassOrder();
  other.restore({ ...HOME, classOrder: classes.order, classFilter: "dog" });
  expect([other.sortedBy, other.descending, other.filter]).toEqual(["n_samples", true, "dog"]);
  other.restore({ ...HOME, classOrder: "-size" });
  expect(other.sortedBy).toBe("n_samples");
  other.restore({ ...HOME, classOrder: "-nonsense" });
  expect([other.sortedBy, other.descending, other.order, other.filter]).toEqual(["rank", false, null, ""]);
});
