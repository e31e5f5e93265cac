import type { ColorMap } from "../api/types";

/** The code of a missing value, the code of zero, and the number of steps on either side of zero. */
export const MISSING = 0;
export const ZERO = 128;
export const STEPS = 127;

/** RGBA bytes of a color map's 256 entries (128 is exactly zero). */
export type CodeColors = Uint8ClampedArray;

/** The server's table as RGBA: a code is its own index, as in Python. */
export function codeColors(map: ColorMap): CodeColors {
  const colors = new Uint8ClampedArray(256 * 4).fill(255);
  for (let code = 0; code < 256; code++) {
    for (let channel = 0; channel < 3; channel++) colors[code * 4 + channel] = map.lookup[code * 3 + channel];
  }
  return colors;
}

/** Codes of signed values, scaled so that the largest magnitude is 127 steps from 128: Python's `indices`. */
export function encodeMap(values: Float32Array): { codes: Uint8Array; scale: number } {
  let scale = 0;
  for (const value of values) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  return { codes: Uint8Array.from(values, (value) => codeOf(value, scale)), scale };
}

function codeOf(value: number, scale: number): number {
  if (Number.isNaN(value)) return MISSING;
  if (value === 0) return ZERO;
  const share = scale === 0 ? 1 : Math.min(1, Math.abs(value) / scale);
  return ZERO + Math.sign(value) * Math.round(share * STEPS);
}
