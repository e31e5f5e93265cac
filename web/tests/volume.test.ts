import { describe, expect, it } from "vitest";

import { decodeInputVolumes, decodeVolumes } from "../src/api/binary";
import { placeAt, positionOf, sliceInput, sliceMap, strongestPosition } from "../src/modality/volume/slices";

// 2 x 3 x 4 voxels; each code is 128 + its place
const codes = Uint8Array.from({ length: 24 }, (_, at) => 128 + at);
const volume = { codes, scale: 2, depth: 2, height: 3, width: 4 };

describe("slices of a volume", () => {
  it("are planes across each axis", () => {
    const along = (axis: "depth" | "height" | "width", place: number) => {
      const { codes, height, width, scale } = sliceMap(volume, { axis, position: positionOf(place, volume[axis]) });
      return { codes: Array.from(codes, (code) => code - 128), height, width, scale };
    };
    expect(along("depth", 1)).toEqual({ codes: [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23], height: 3, width: 4, scale: 2 });
    expect(along("height", 2)).toEqual({ codes: [8, 9, 10, 11, 20, 21, 22, 23], height: 2, width: 4, scale: 2 });
    expect(along("width", 3)).toEqual({ codes: [3, 7, 11, 15, 19, 23], height: 2, width: 3, scale: 2 });
  });

  it("hold all channels of the input, which may have another size", () => {
    const input = { pixels: Uint8Array.from({ length: 2 * 4 * 3 * 4 * 2 }, (_, at) => at % 251), depth: 4, height: 3, width: 4, channels: 2 };
    const slice = { axis: "depth" as const, position: positionOf(1, 2) };
    const shown = sliceInput(input, slice);
    expect([shown.height, shown.width, shown.channels]).toEqual([3, 4, 2]);
    expect(Array.from(shown.pixels)).toEqual(Array.from(input.pixels.subarray(3 * 24, 4 * 24))); // 0.75 of 4 slices
    const wide = sliceInput(input, { axis: "width", position: positionOf(0, 4) });
    expect(Array.from(wide.pixels.subarray(0, 6))).toEqual([0, 1, 8, 9, 16, 17]);
  });

  it("begin with that of the most absolute relevance, the first of equal ones; missing voxels do not count", () => {
    const weak = new Uint8Array(24).fill(128);
    weak[13] = 1; // negative, in slice 1
    weak[2] = 250;
    weak.fill(0, 4, 8);
    expect(placeAt(strongestPosition({ ...volume, codes: weak }, "depth"), 2)).toBe(1);
    expect(placeAt(strongestPosition({ ...volume, codes: weak }, "width"), 4)).toBe(1);
    expect(strongestPosition({ ...volume, codes: new Uint8Array(24).fill(128) }, "height")).toBeCloseTo(1 / 6);
  });

  it("have the same number after a way through its position", () => {
    for (const slices of [1, 2, 3, 7, 49, 1000]) {
      for (let place = 0; place < slices; place++) expect(placeAt(positionOf(place, slices), slices)).toBe(place);
    }
    expect([placeAt(1, 5), placeAt(0, 5)]).toEqual([4, 0]);
  });
});

describe("volumes over the wire", () => {
  it("are maps with their scales, and inputs with channels last", () => {
    const bytes = new Uint8Array(2 * 4 + 48);
    new Float32Array(bytes.buffer, 0, 2).set([3, 5]);
    bytes.set(codes, 8 + 24);
    const [first, second] = decodeVolumes(bytes.buffer, [2, 2, 3, 4]);
    expect([first.scale, second.scale, second.depth, second.height, second.width]).toEqual([3, 5, 2, 3, 4]);
    expect(second.codes).toEqual(codes);
    const [input] = decodeInputVolumes(codes.slice().buffer, [1, 2, 3, 2, 2]);
    expect([input.depth, input.height, input.width, input.channels, input.pixels.length]).toEqual([2, 3, 2, 2, 24]);
    expect(() => decodeVolumes(bytes.buffer, [2, 2, 3, 5])).toThrow("Expected");
  });
});
