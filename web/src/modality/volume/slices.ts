import type { InputImage, InputVolume, RelevanceMap, RelevanceVolume } from "../../api/binary";
import { MISSING, ZERO } from "../../color/lookup";

/** The axes along which a volume is cut into slices, by their names. */
export const AXES = ["depth", "height", "width"] as const;
export type Axis = (typeof AXES)[number];

/** A slice by its axis and its position, from 0 to 1, so that volumes of different sizes are cut at the same place. */
export interface Slice {
  axis: Axis;
  position: number;
}

interface Sides {
  depth: number;
  height: number;
  width: number;
}

/** The number of the slice at a position. */
export function placeAt(position: number, slices: number): number {
  return Math.min(slices - 1, Math.max(0, Math.floor(position * slices)));
}

/** The position of the middle of a slice. */
export function positionOf(place: number, slices: number): number {
  return (place + 0.5) / slices;
}

/** The voxels of a slice, row by row: rows are depth or height, columns height or width; `offset` counts voxels. */
function layoutOf({ depth, height, width }: Sides, { axis, position }: Slice): { rows: number; columns: number; offset: (row: number, column: number) => number } {
  if (axis === "depth") {
    const start = placeAt(position, depth) * height * width;
    return { rows: height, columns: width, offset: (row, column) => start + row * width + column };
  }
  if (axis === "height") {
    const start = placeAt(position, height) * width;
    return { rows: depth, columns: width, offset: (row, column) => start + row * height * width + column };
  }
  const start = placeAt(position, width);
  return { rows: depth, columns: height, offset: (row, column) => start + (row * height + column) * width };
}

export function sliceMap(volume: RelevanceVolume, slice: Slice): RelevanceMap {
  const { rows, columns, offset } = layoutOf(volume, slice);
  const codes = Uint8Array.from({ length: rows * columns }, (_, at) => volume.codes[offset(Math.floor(at / columns), at % columns)]);
  return { codes, scale: volume.scale, height: rows, width: columns };
}

export function sliceInput(volume: InputVolume, slice: Slice): InputImage {
  const { rows, columns, offset } = layoutOf(volume, slice);
  const { channels } = volume;
  const pixels = new Uint8Array(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = offset(row, column) * channels;
      pixels.set(volume.pixels.subarray(from, from + channels), (row * columns + column) * channels);
    }
  }
  return { pixels, height: rows, width: columns, channels };
}

/** The position of the slice with the most absolute relevance, the first of equal ones. */
export function strongestPosition(volume: Pick<RelevanceVolume, "codes" | "depth" | "height" | "width">, axis: Axis): number {
  const { codes, height, width } = volume;
  const sums = new Float64Array(volume[axis]);
  const placeOf = {
    depth: (at: number) => Math.floor(at / (height * width)),
    height: (at: number) => Math.floor(at / width) % height,
    width: (at: number) => at % width,
  }[axis];
  codes.forEach((code, at) => {
    if (code !== MISSING) sums[placeOf(at)] += Math.abs(code - ZERO);
  });
  return positionOf(sums.indexOf(Math.max(...sums)), sums.length);
}
