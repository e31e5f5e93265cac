import { expect, test } from "vitest";

import { boxOf, contained, moved, pixelAt } from "../src/color/pixels";
import { readPixel } from "../src/state/heatmaps/probed";

const box = { left: 10, top: 20, width: 100, height: 100 };

test("a picture whose sides differ lies in the middle of its box", () => {
  expect(contained(box, 12, 24)).toEqual({ left: 10, top: 45, width: 100, height: 50 });
  expect(contained(box, 24, 12)).toEqual({ left: 35, top: 20, width: 50, height: 100 });
});

test("a place is a pixel only where the picture is", () => {
  expect(pixelAt(10.5, 45.5, box, 12, 24)).toEqual({ row: 0, column: 0 });
  expect(pixelAt(109.9, 94.9, box, 12, 24)).toEqual({ row: 11, column: 23 });
  expect(pixelAt(50, 30, box, 12, 24)).toBeNull();
  const place = boxOf({ row: 3, column: 7 }, box, 12, 24);
  expect(pixelAt(place.left + place.width / 2, place.top + place.height / 2, box, 12, 24)).toEqual({ row: 3, column: 7 });
});

test("arrow keys move within the picture and begin in its middle", () => {
  expect(moved(null, "ArrowDown", false, 12, 24)).toEqual({ row: 6, column: 12 });
  expect(moved({ row: 0, column: 5 }, "ArrowUp", false, 12, 24)).toEqual({ row: 0, column: 5 });
  expect(moved({ row: 3, column: 5 }, "ArrowRight", true, 12, 24)).toEqual({ row: 3, column: 15 });
  expect(moved({ row: 3, column: 5 }, "x", false, 12, 24)).toBeNull();
});

test("a pixel's numbers are read with sign, channels, and how exact they are", () => {
  const input = { pixels: Uint8Array.from({ length: 4 * 8 * 3 }, (_, at) => at), height: 4, width: 8, channels: 3 };
  const map = { rows: 2, columns: 4, relevance: [0, -0.5, NaN, Infinity, 1.23456, 0, 0, 0], exact: true, step: 0, input };
  expect(readPixel(map, { row: 1, column: 0 })).toBe("row 1, column 0 · input 75 76 77 · relevance +1.235");
  expect(readPixel(map, { row: 0, column: 1 })).toContain("relevance −0.5000");
  expect(readPixel(map, { row: 0, column: 2 })).toContain("relevance missing");
  expect(readPixel(map, { row: 0, column: 3 })).toContain("relevance +∞");
  expect(readPixel({ ...map, exact: false, step: 0.01, input: null }, { row: 0, column: 1 })).toBe("row 0, column 1 · relevance −0.5000 ± 0.0050");
});
