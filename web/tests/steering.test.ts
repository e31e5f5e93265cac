import { expect, test } from "vitest";

import { WAYS, toward } from "../src/scatter/direction";
import { MISSING, STEPS, pointsOf } from "../src/scatter/points";

const at = (...places: number[]) => pointsOf(Uint16Array.from(places, (place) => (Number.isNaN(place) ? MISSING : place * STEPS)));

test("an arrow goes to the nearest point in its quarter, what lies aside counting double", () => {
  const points = at(0.5, 0.5, 0.6, 0.55, 0.62, 0.5, 0.5, 0.9, 0.45, 0.2);
  const from = [0.5, 0.5] as const;
  expect(Object.entries(WAYS).map(([key, way]) => [key, toward(points, from, way)])).toEqual([
    ["ArrowLeft", -1],
    ["ArrowRight", 2],
    ["ArrowUp", 3],
    ["ArrowDown", 4],
  ]);
});

test("an arrow passes over hidden points and those without a place", () => {
  const points = at(0.5, 0.5, 0.6, 0.5, NaN, NaN, 0.8, 0.5);
  expect(toward(points, [0.5, 0.5], [1, 0], Uint8Array.of(1, 0, 1, 1))).toBe(3);
  expect(toward(points, [0.8, 0.5], [1, 0])).toBe(-1);
});
