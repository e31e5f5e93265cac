import type { ColorMap } from "../api/types";

/** RGBA bytes of the 256 codes that a map may hold (code 128 is exactly zero). */
export type CodeColors = Uint8ClampedArray;

/** The table that the server keeps, as RGBA: a code is its own index, in Python and here. */
export function codeColors(map: ColorMap): CodeColors {
  const colors = new Uint8ClampedArray(256 * 4).fill(255);
  for (let code = 0; code < 256; code++) {
    for (let channel = 0; channel < 3; channel++) colors[code * 4 + channel] = map.lookup[code * 3 + channel];
  }
  return colors;
}

/** Codes of signed values, scaled so that the largest magnitude is 127 steps from 128; a zero map is 128 throughout. */
export function encodeMap(values: Float32Array): { codes: Uint8Array; scale: number } {
  let scale = 0;
  for (const value of values) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  const codes = new Uint8Array(values.length).fill(128);
  if (scale === 0) return { codes, scale };
  values.forEach((value, position) => {
    if (Number.isFinite(value)) codes[position] = 128 + Math.round((value / scale) * 127);
  });
  return { codes, scale };
}
