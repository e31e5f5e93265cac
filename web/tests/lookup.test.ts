import { expect, test } from "vitest";

import { codeColors, encodeMap } from "../src/color/lookup";
import { inputRaster, mapRaster, overlayRaster } from "../src/color/picture";
import { entriesOf, ownScale, percentileOf, shadesOf } from "../src/color/shades";

const looked = (map: { lookup: number[]; diverging: boolean }, opacity = 1) => shadesOf(1, 1, { colors: codeColors(map), gamma: 1, opacity });
const ramp = { lookup: Array.from({ length: 768 }, (_, at) => Math.floor(at / 3)), diverging: true };

test("a code is its own index into the table", () => {
  const colors = codeColors({ ...ramp, lookup: ramp.lookup.map((value, at) => (at % 3 === 2 ? 255 - value : value)) });
  expect([...colors.slice(4 * 128, 4 * 129)]).toEqual([128, 128, 127, 255]);
  expect([...colors.slice(0, 4)]).toEqual([0, 0, 255, 255]);
});

test("the largest magnitude is 127 steps from 128, and zero is 128", () => {
  expect(encodeMap(Float32Array.of(-2, 0, 1, 2))).toEqual({ codes: Uint8Array.of(1, 128, 192, 255), scale: 2 });
});

test("constant zero, empty and non-finite maps have codes", () => {
  expect(encodeMap(new Float32Array(2))).toEqual({ codes: Uint8Array.of(128, 128), scale: 0 });
  expect(encodeMap(new Float32Array(0))).toEqual({ codes: new Uint8Array(0), scale: 0 });
  expect([...encodeMap(Float32Array.of(Number.NaN, Infinity, -1)).codes]).toEqual([0, 255, 1]);
});

test("a map whose sides differ keeps its rows", () => {
  const raster = mapRaster({ codes: Uint8Array.of(1, 2, 3, 4, 5, 6), height: 2, width: 3 }, looked(ramp));
  expect([raster.width, raster.height]).toEqual([3, 2]);
  expect([...raster.rgba.slice(12, 16)]).toEqual([4, 4, 4, 255]);
});

test.each([
  [1, [7], [7, 7, 7, 255]],
  [3, [1, 2, 3], [1, 2, 3, 255]],
  [4, [1, 2, 3, 4], [1, 2, 3, 4]],
])("an input of %i channels has a color", (channels, pixel, expected) => {
  expect([...inputRaster({ pixels: Uint8Array.from(pixel), height: 1, width: 1, channels }).rgba]).toEqual(expected);
});

test("an overlay is gray where the map is zero and colored where it is largest", () => {
  const input = { pixels: Uint8Array.of(255, 0, 0, 255, 0, 0), height: 1, width: 2, channels: 3 };
  const red = { lookup: Array.from({ length: 256 }, () => [200, 10, 20]).flat(), diverging: true };
  const map = { codes: Uint8Array.of(128, 255), scale: 1, height: 1, width: 2 };
  expect([...overlayRaster(input, map, looked(red)).rgba]).toEqual([76, 76, 76, 255, 200, 10, 20, 255]);
});

test("an overlay reads a smaller map at the nearest pixel", () => {
  const input = { pixels: new Uint8Array(4), height: 1, width: 4, channels: 1 };
  const map = { codes: Uint8Array.of(128, 255), scale: 1, height: 1, width: 2 };
  const { rgba } = overlayRaster(input, map, looked(ramp));
  expect([rgba[0], rgba[4], rgba[8], rgba[12]]).toEqual([0, 0, 255, 255]);
});

test("opacity bounds what an overlay covers", () => {
  const input = { pixels: Uint8Array.of(100), height: 1, width: 1, channels: 1 };
  const red = { lookup: Array.from({ length: 256 }, () => [200, 0, 0]).flat(), diverging: true };
  const map = { codes: Uint8Array.of(255), scale: 1, height: 1, width: 1 };
  expect([...overlayRaster(input, map, looked(red, 0.25)).rgba]).toEqual([125, 75, 75, 255]);
});

test("missing pixels are checkered, in a map and over an input", () => {
  const map = { codes: Uint8Array.of(0, 0, 128, 0), scale: 1, height: 2, width: 2 };
  expect([...mapRaster(map, looked(ramp)).rgba].filter((_, at) => at % 4 === 0)).toEqual([0x66, 0x99, 128, 0x66]);
  const input = { pixels: new Uint8Array(4).fill(9), height: 2, width: 2, channels: 1 };
  expect([...overlayRaster(input, map, looked(ramp)).rgba].filter((_, at) => at % 4 === 0)).toEqual([0x66, 0x99, 9, 0x66]);
});

test("a map by its own scale keeps its codes, and on a larger one it is paler", () => {
  expect([...entriesOf(0.3, 0.3, 1)]).toEqual(Array.from({ length: 256 }, (_, code) => code));
  expect([1, 64, 128, 192, 255].map((code) => entriesOf(1, 2, 1)[code])).toEqual([64, 96, 128, 160, 192]);
  expect([1, 127, 128, 129, 255].map((code) => entriesOf(1, 0, 1)[code])).toEqual([1, 1, 128, 255, 255]);
});

test("gamma is a power of the share, the same for both signs", () => {
  const entries = entriesOf(1, 1, 0.5);
  expect([entries[128 + 32], entries[128 - 32], entries[128], entries[0]]).toEqual([128 + 64, 128 - 64, 128, 0]);
});

test("percentiles of the magnitudes are numpy's, missing pixels left out", () => {
  const codes = Uint8Array.of(0, 128, 127, 130, 125, 255);
  expect([0, 25, 50, 62.5, 100].map((percentile) => percentileOf(codes, percentile))).toEqual([0, 1, 2, 2.5, 127]);
  expect(percentileOf(new Uint8Array(3), 99)).toBe(0);
  expect(ownScale({ codes, scale: 1.27 }, 50)).toBeCloseTo(0.02);
  expect(ownScale({ codes, scale: 1.27 }, 100)).toBe(1.27);
});
