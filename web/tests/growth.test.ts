import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ofVersion } from "../src/api/http";
import type { DataSource } from "../src/api/source";
import type { RunDetail, RunProgress } from "../src/api/types";
import { Growth, hasGrown, isUnfinished } from "../src/state/growth.svelte";

const ANALYSES = [{ name: "spray", categories: 2, problem: null }];
const DETAIL = { id: "run", version: "a", samples: 10, committed: 5, growing: false, analyses: ANALYSES } as unknown as RunDetail;
const SAME: RunProgress = {
  version: "a",
  samples: 10,
  committed: 5,
  growing: false,
  analyses: [{ name: "spray", categories: 2 }],
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A source that answers with these one after the other, and counts how often it was asked. */
function answering(answers: (RunProgress | null)[]) {
  const progress = vi.fn(() => {
    const next = answers.shift();
    return next ? Promise.resolve(next) : Promise.reject(new Error("away"));
  });
  return { progress, source: { can: { note: null }, progress } as unknown as DataSource };
}

test("a run is unfinished while samples, an analysis or a job's work may come", () => {
  expect(isUnfinished(DETAIL)).toBe(true);
  expect(isUnfinished({ ...DETAIL, committed: 10 })).toBe(false);
  expect(isUnfinished({ ...DETAIL, committed: 10, growing: true })).toBe(true);
  expect(isUnfinished({ ...DETAIL, committed: 10, analyses: [] })).toBe(true);
});

test("another state of the run and more of an analysis are growth", () => {
  expect(hasGrown(DETAIL, SAME)).toBe(false);
  expect(hasGrown(DETAIL, { ...SAME, version: "b" })).toBe(true);
  expect(hasGrown(DETAIL, { ...SAME, analyses: [{ name: "spray", categories: 3 }] })).toBe(true);
  expect(hasGrown(DETAIL, { ...SAME, analyses: [] })).toBe(true);
});

test("an unfinished run is looked at until there is more of it, also after the server was away", async () => {
  const { progress, source } = answering([SAME, null, { ...SAME, version: "b", committed: 7 }]);
  const growth = new Growth(source);
  growth.follow(DETAIL, 100);
  await vi.advanceTimersByTimeAsync(250);
  expect(growth.further).toBe(null);
  await vi.advanceTimersByTimeAsync(5000);
  expect(growth.further?.committed).toBe(7);
  expect(progress).toHaveBeenCalledTimes(3);
});

test("an answer about a run that is no longer followed says nothing of the next", async () => {
  let answer: (progress: RunProgress) => void = () => undefined;
  const progress = () => new Promise<RunProgress>((resolve) => (answer = resolve));
  const growth = new Growth({ can: { note: null }, progress } as unknown as DataSource);
  const end = growth.follow(DETAIL, 100);
  await vi.advanceTimersByTimeAsync(150);
  end();
  growth.follow({ ...DETAIL, id: "other", committed: 10 }, 100);
  answer({ ...SAME, version: "b" });
  await vi.advanceTimersByTimeAsync(50);
  expect(growth.further).toBe(null);
});

test("a finished run is never asked about, and who stops following asks no more", async () => {
  const { progress, source } = answering([]);
  new Growth(source).follow({ ...DETAIL, committed: 10 }, 100);
  new Growth(source).follow(DETAIL, 100)();
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
