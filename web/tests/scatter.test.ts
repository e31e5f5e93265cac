import { describe, expect, test } from "vitest";

import { scaleColor } from "../src/color/palette";
import { fit, panBy, pinch, project, toPlace, toScreen, zoomAt } from "../src/scatter/camera";
import { density, densityColors } from "../src/scatter/density";
import { hoverIndex, nearest } from "../src/scatter/hover";
import { pointsInside } from "../src/scatter/lasso";
import { MISSING, STEPS, isMissing, middles, pointsOf, quantize } from "../src/scatter/points";
import { everyWhileMoving } from "../src/scatter/renderer";
import type { Points } from "../src/scatter/points";

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function placed(...values: number[]): Points {
  return pointsOf(quantize(Float32Array.from(values), 2, [0, 1]));
}

function cloud(count: number, seed = 1): Points {
  const next = random(seed);
  return placed(...Array.from({ length: count * 2 }, () => next() * 7 - 3));
}

describe("quantization", () => {
  test("both axes share one scale, and the longer one fills the range", () => {
    const points = placed(0, 0, 10, 5);
    expect([...points.positions]).toEqual([0, Math.round(0.25 * STEPS), STEPS, Math.round(0.75 * STEPS)]);
    expect(points.extent).toEqual({ left: 0, right: 1, bottom: expect.closeTo(0.25, 4) as number, top: expect.closeTo(0.75, 4) as number });
  });

  test("a place differs from its value by at most half a step", () => {
    const values = Float32Array.of(-3.3, 0, 1.7, 2, 9.1, 4);
    const positions = quantize(values, 2, [0, 1]);
    const size = Math.fround(9.1) - Math.fround(-3.3);
    for (const point of [0, 1, 2]) {
      expect(Math.abs((positions[point * 2] / STEPS) * size - 3.3 - values[point * 2])).toBeLessThan(0.51 * (size / STEPS));
    }
  });

  test("axes are chosen among many dimensions", () => {
    const places = quantize(Float32Array.of(0, 5, 1, 0, 5, 0), 3, [2, 0]);
    expect([...places]).toEqual([STEPS, STEPS / 2, 0, STEPS / 2]);
  });

  test("points that are not finite are missing and move nothing", () => {
    const points = placed(Number.NaN, 0, 0, 0, 1, 1, 2, Infinity);
    expect([0, 1, 2, 3].map((point) => isMissing(points, point))).toEqual([true, false, false, true]);
    expect(points.missing).toBe(2);
    expect(points.positions[7]).toBe(MISSING);
    expect([...points.positions.slice(2, 6)]).toEqual([0, 0, STEPS, STEPS]);
  });

  test.each([[[]], [[3, 4]], [[Number.NaN, 1]], [[2, 2, 2, 2]]])("%j has points without NaN", (values) => {
    const points = placed(...values);
    expect(points.count).toBe(values.length / 2);
    expect(Object.values(points.extent).every(Number.isFinite)).toBe(true);
  });

  test("one dimension is a line", () => {
    expect([...quantize(Float32Array.of(1, 2), 1, [0, 1])]).toEqual([0, STEPS / 2, STEPS, STEPS / 2]);
  });

  test("the middle of a cluster is its median, and an empty cluster has none", () => {
    const points = placed(0, 0, 1, 1, 10, 10, 5, 5);
    const [first, second] = middles(points, Int32Array.of(0, 0, 0, -1), [0, 1]);
    expect(first?.x).toBeCloseTo(0.1, 4);
    expect(second).toBeNull();
  });
});

describe("camera", () => {
  const viewport = { width: 400, height: 300 };
  const { extent } = cloud(50);

  test("places and pixels are inverse to each other", () => {
    const projection = project({ x: 0.3, y: 0.8, zoom: 2.5 }, viewport, extent);
    const [x, y] = toPlace(projection, ...toScreen(projection, 0.1, 0.9));
    expect([x, y]).toEqual([expect.closeTo(0.1, 10), expect.closeTo(0.9, 10)]);
  });

  test("everything is in view after fit", () => {
    const projection = project(fit(extent), viewport, extent);
    const corners = [toScreen(projection, extent.left, extent.bottom), toScreen(projection, extent.right, extent.top)];
    for (const [x, y] of corners) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(400);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(300);
    }
  });

  test("zooming keeps the place under the pointer", () => {
    const before = project(fit(extent), viewport, extent);
    const place = toPlace(before, 37, 211);
    const after = project(zoomAt(before, 3, 37, 211), viewport, extent);
    expect(toScreen(after, ...place)).toEqual([expect.closeTo(37, 6), expect.closeTo(211, 6)]);
  });

  test("dragging moves the points with the pointer", () => {
    const before = project(fit(extent), viewport, extent);
    const [x, y] = toScreen(before, 0.5, 0.5);
    const after = project(panBy(before, 12, -8), viewport, extent);
    expect(toScreen(after, 0.5, 0.5)).toEqual([expect.closeTo(x + 12, 6), expect.closeTo(y - 8, 6)]);
  });
});

describe("lasso", () => {
  const square = [0.25, 0.25, 0.75, 0.25, 0.75, 0.75, 0.25, 0.75];

  test("a square holds exactly what lies between its sides", () => {
    const points = cloud(2000);
    const inside = new Set(pointsInside(points, square));
    for (let point = 0; point < points.count; point++) {
      const [x, y] = [points.positions[point * 2] / STEPS, points.positions[point * 2 + 1] / STEPS];
      expect(inside.has(point)).toBe(x > 0.25 && x < 0.75 && y > 0.25 && y < 0.75);
    }
  });

  test("a concave polygon agrees with the angle that it winds around each point", () => {
    const next = random(5);
    const star = Array.from({ length: 40 }, (_, corner) => {
      const [angle, radius] = [(corner / 40) * 2 * Math.PI, 0.1 + 0.35 * next()];
      return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
    });
    const points = cloud(1500, 3);
    const inside = new Set(pointsInside(points, star.flat()));
    for (let point = 0; point < points.count; point++) {
      const [x, y] = [points.positions[point * 2] / STEPS, points.positions[point * 2 + 1] / STEPS];
      const turned = star.reduce((sum, [x0, y0], corner) => {
        const [x1, y1] = star[(corner + 1) % star.length];
        const turn = Math.atan2(y1 - y, x1 - x) - Math.atan2(y0 - y, x0 - x);
        return sum + Math.atan2(Math.sin(turn), Math.cos(turn));
      }, 0);
      expect(inside.has(point)).toBe(Math.abs(turned) > Math.PI);
    }
  });

  test("less than three corners hold nothing, and missing points are never inside", () => {
    const points = placed(0, 0, 1, 1, Number.NaN, 0);
    expect(pointsInside(points, [0, 0, 1, 1])).toHaveLength(0);
    expect([...pointsInside(points, [-1, -1, 2, -1, 2, 2, -1, 2])]).toEqual([0, 1]);
  });
});

describe("hover", () => {
  test("the nearest point is found as by comparing all", () => {
    const points = cloud(3000);
    const index = hoverIndex(points);
    const next = random(9);
    for (let trial = 0; trial < 300; trial++) {
      const [x, y, radius] = [next() * 1.2 - 0.1, next() * 1.2 - 0.1, 0.05 * next()];
      let expected = -1;
      let closest = radius;
      for (let point = 0; point < points.count; point++) {
        const distance = Math.hypot(points.positions[point * 2] / STEPS - x, points.positions[point * 2 + 1] / STEPS - y);
        if (distance <= closest) [expected, closest] = [point, distance];
      }
      expect(nearest(index, x, y, radius)).toBe(expected);
    }
  });

  test("nothing is found among no points and missing points", () => {
    expect(nearest(hoverIndex(cloud(0)), 0.5, 0.5, 1)).toBe(-1);
    expect(nearest(hoverIndex(placed(Number.NaN, 0)), 0, 0, 1)).toBe(-1);
  });
});

describe("density", () => {
  const viewport = { width: 300, height: 200 };
  const projected = (points: Points) => project(fit(points.extent), viewport, points.extent);

  test("every point in view is counted once, in the cell where it is drawn", () => {
    const points = cloud(3000);
    const projection = projected(points);
    const { counts, width, most } = density(points, projection, 10);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3000);
    expect(most).toBe(Math.max(...counts));
    const [x, y] = toScreen(projection, points.positions[14] / STEPS, points.positions[15] / STEPS);
    expect(counts[Math.floor(y / 10) * width + Math.floor(x / 10)]).toBeGreaterThan(0);
  });

  test("what is hidden, missing or out of view is not counted", () => {
    const points = placed(0, 0, 1, 1, Number.NaN, 0, 2, 2);
    const visible = Uint8Array.of(1, 0, 1, 1);
    expect(density(points, projected(points), 10, visible).counts.reduce((sum, count) => sum + count, 0)).toBe(2);
    const away = project({ x: 9, y: 9, zoom: 1 }, viewport, points.extent);
    expect(density(points, away, 10).most).toBe(0);
  });

  test("denser cells lie further along the scale, and empty ones are clear", () => {
    const colors = densityColors({ counts: Uint32Array.of(0, 1, 100, 10000), width: 2, height: 2, most: 10000 }, "light");
    const pixel = (at: number) => [...colors.slice(at * 4, at * 4 + 4)];
    expect(pixel(0)[3]).toBe(0);
    expect(pixel(1)).toEqual([...scaleColor(0, "light"), 255]);
    expect(pixel(2)).toEqual([...scaleColor(128 / 255, "light"), 255]);
    expect(pixel(3)).toEqual([...scaleColor(1, "light"), 255]);
  });
});

test("medians are those of sorting, whatever the ids of the clusters", () => {
  const points = cloud(999, 4);
  const clusters = Int32Array.from({ length: 999 }, (_, point) => [-1, 3, 40][point % 3]);
  const found = middles(points, clusters, [40, 3, 7]);
  for (const [at, id] of [40, 3].entries()) {
    for (const [side, name] of (["x", "y"] as const).entries()) {
      const values = Array.from({ length: 999 }, (_, point) => point).filter((point) => clusters[point] === id).map((point) => points.positions[point * 2 + side]);
      expect(found[at]?.[name]).toBe(values.sort((a, b) => a - b)[values.length >> 1] / STEPS);
    }
  }
  expect(found[2]).toBeNull();
});

test("what was between two fingers stays between them", () => {
  const points = cloud(50);
  const before = project(fit(points.extent), { width: 400, height: 300 }, points.extent);
  const places = [toPlace(before, 100, 100), toPlace(before, 200, 100)];
  const after = project(pinch(before, [[100, 100], [200, 100]], [[60, 140], [260, 140]]), before.viewport, points.extent);
  expect(toScreen(after, ...places[0])).toEqual([expect.closeTo(60, 6), expect.closeTo(140, 6)]);
  expect(toScreen(after, ...places[1])).toEqual([expect.closeTo(260, 6), expect.closeTo(140, 6)]);
});

test("a view that moves leaves points out only where drawing all is slow", () => {
  expect([0, 10, 40, 400, 1e6].map(everyWhileMoving)).toEqual([1, 1, 1, 10, 32]);
});
