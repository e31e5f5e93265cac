import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ofVersion } from "../src/api/http";
import type { DataSource } from "../src/api/source";
import type { RunDetail, RunProgress } from "../src/api/types";
import { Growth, growthOf, isUnfinished } from "../src/state/page/growth.svelte";

const SPRAY = { name: "spray", categories: 2, version: "s" };
const DETAIL = {
  id: "run",
  version: "a",
  n_explanations: 10,
  n_samples: 10,
  committed: 5,
  growing: false,
  analyses: [{ ...SPRAY, expected: null, problem: null }],
} as unknown as RunDetail;
const COMPLETE: RunDetail = { ...DETAIL, committed: 10 };
const SAME: RunProgress = { version: "a", n_explanations: 10, n_samples: 10, committed: 5, growing: false, analyses: [SPRAY] };
const PERIODS = { unfinished: 100, complete: 300 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A source that answers with these one after the other, and counts how often it was asked. */
function answering(answers: (RunProgress | null)[]) {
  const progress = vi.fn(() => {
    const next = answers.shift();
    return next ? Promise.resolve(next) : Promise.reject(new Error("away"));
  });
  return { progress, source: { can: { note: null }, progress } as unknown as DataSource };
}

test("a run is unfinished while samples, an analysis, its classes or a job's work must come", () => {
  expect(isUnfinished(DETAIL)).toBe(true);
  expect(isUnfinished({ ...DETAIL, committed: 10 })).toBe(false);
  expect(isUnfinished({ ...DETAIL, committed: 10, growing: true })).toBe(true);
  expect(isUnfinished({ ...DETAIL, committed: 10, analyses: [] })).toBe(true);
  for (const [expected, unfinished] of [[3, true], [2, false], [1, false]] as const) {
    expect(isUnfinished({ ...COMPLETE, analyses: [{ ...SPRAY, title: "spray", view: "relevance maps", expected, problem: null }] })).toBe(unfinished);
  }
});

test.each<[string[], Partial<RunProgress>]>([
  [[], {}],
  [["7 of 10 samples are available now"], { version: "b", committed: 7 }],
  [["its samples were written again"], { version: "b" }],
  [["“spray” has 3 classes now"], { analyses: [{ ...SPRAY, categories: 3, version: "t" }] }],
  [["“spray” has one class now"], { analyses: [{ ...SPRAY, categories: 1, version: "t" }] }],
  [["classes of “spray” were analyzed again"], { analyses: [{ ...SPRAY, version: "t" }] }],
  [["the analysis “other” is new"], { analyses: [{ ...SPRAY, name: "other" }, SPRAY] }],
  [["7 of 10 samples are available now", "the analysis “spray” was removed"], { version: "b", committed: 7, analyses: [] }],
])("what has grown is told: %j", (told, changed) => {
  expect(growthOf(DETAIL, { ...SAME, ...changed })).toEqual(told);
});

test("an unfinished run is looked at until there is more of it, also after the server was away", async () => {
  const { progress, source } = answering([SAME, null, { ...SAME, version: "b", committed: 7 }]);
  const growth = new Growth(source);
  growth.follow(DETAIL, PERIODS);
  await vi.advanceTimersByTimeAsync(250);
  expect(growth.told).toEqual([]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(growth.told).toEqual(["7 of 10 samples are available now"]);
  expect(progress).toHaveBeenCalledTimes(3);
});

test("a complete run is looked at, too, but less often: an analysis may be at work on it", async () => {
  const same = { ...SAME, committed: 10 };
  const { progress, source } = answering([same, { ...same, analyses: [{ ...SPRAY, categories: 3, version: "t" }] }]);
  const growth = new Growth(source);
  growth.follow(COMPLETE, PERIODS);
  await vi.advanceTimersByTimeAsync(550);
  expect(progress).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(5000);
  expect(progress).toHaveBeenCalledTimes(2);
  expect(growth.told).toEqual(["“spray” has 3 classes now"]);
});

test("a class that is absent for a moment, while it is replaced, is not reported as lost", async () => {
  const complete = { ...SAME, committed: 10 };
  const replaced = { ...complete, analyses: [{ ...SPRAY, version: "t" }] };
  const fewer = { ...complete, analyses: [{ ...SPRAY, categories: 1, version: "u" }] };
  const gone = { ...complete, analyses: [] };
  const cases: [(RunProgress | null)[], string][] = [
    [[fewer, replaced], "classes of “spray” were analyzed again"],
    [[fewer, complete, fewer, fewer], "“spray” has one class now"],
    [[gone, null, gone], "the analysis “spray” was removed"],
  ];
  for (const [answers, told] of cases) {
    const growth = new Growth(answering(answers).source);
    growth.follow(COMPLETE, PERIODS);
    await vi.advanceTimersByTimeAsync(5000);
    expect(growth.told).toEqual([told]);
    expect(answers).toEqual([]); // all were asked for
  }
});

test("a page that nobody sees asks nothing, and at once when it is seen again", async () => {
  const page = Object.assign(new EventTarget(), { hidden: true });
  vi.stubGlobal("document", page);
  const { progress, source } = answering([SAME, SAME]);
  const end = new Growth(source).follow(DETAIL, PERIODS);
  await vi.advanceTimersByTimeAsync(1050);
  expect(progress).not.toHaveBeenCalled();
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  expect(progress).toHaveBeenCalledTimes(1);
  end();
  page.dispatchEvent(new Event("visibilitychange"));
  expect(progress).toHaveBeenCalledTimes(1);
});

test("an answer about a run that is no longer followed says nothing of the next", async () => {
  let answer: (progress: RunProgress) => void = () => undefined;
  const progress = () => new Promise<RunProgress>((resolve) => (answer = resolve));
  const growth = new Growth({ can: { note: null }, progress } as unknown as DataSource);
  const end = growth.follow(DETAIL, PERIODS);
  await vi.advanceTimersByTimeAsync(150);
  end();
  growth.follow({ ...COMPLETE, id: "other" }, PERIODS);
  answer({ ...SAME, version: "b" });
  await vi.advanceTimersByTimeAsync(50);
  expect(growth.told).toEqual([]);
});

test("who stops following asks no more, and a page without a server asks nothing", async () => {
  const { progress, source } = answering([]);
  new Growth(source).follow(DETAIL, PERIODS)();
  new Growth({ ...source, can: { ...source.can, note: "a file" } }).follow(DETAIL, PERIODS);
  await vi.advanceTimersByTimeAsync(5000);
  expect(progress).not.toHaveBeenCalled();
});

test("what changes with the run names its state, and nothing else does", () => {
  const versions = new Map([["a/b", "v1"]]);
  expect(ofVersion("runs/a%2Fb/maps?indices=1", versions)).toBe("runs/a%2Fb/maps?indices=1&v=v1");
  expect(ofVersion("runs/a%2Fb/columns/label", versions)).toBe("runs/a%2Fb/columns/label?v=v1");
  for (const path of ["runs/other/columns/label", "runs/a%2Fb", "runs/a%2Fb/selections", "runs"]) {
    expect(ofVersion(path, versions)).toBe(path);
  }
});
