import type { InputImage, RelevanceMap } from "../api/binary";
import { MISSING } from "./lookup";
import type { Shades } from "./shades";

/** Content of one image. */
export type SingleMode = "input" | "map" | "overlay";
export const SINGLE_MODES: readonly SingleMode[] = ["input", "map", "overlay"];

/** Content of the tiles; "side by side" shows input and heatmap. */
export type PictureMode = SingleMode | "side by side";
export const PICTURE_MODES: readonly PictureMode[] = [...SINGLE_MODES, "side by side"];

/** Labels of the display modes. */
export const MODE_NAMES: Readonly<Record<PictureMode, string>> = { input: "input", map: "heatmap", overlay: "overlay", "side by side": "both" };

export interface Raster {
  rgba: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

/** Alternating grays of missing pixels: (row + column) % 2, as drawn by `whyset.image.colorize`. */
const CHECKERS = [0x66, 0x99];

export function mapRaster(map: Pick<RelevanceMap, "codes" | "height" | "width">, shades: Shades): Raster {
  const rgba = new Uint8ClampedArray(map.codes.length * 4);
  const words = new Uint32Array(rgba.buffer);
  const table = new Uint32Array(shades.table.buffer, shades.table.byteOffset, 256);
  for (let pixel = 0; pixel < words.length; pixel++) {
    const code = map.codes[pixel];
    if (code !== MISSING) words[pixel] = table[code];
    else rgba.set(checker(Math.floor(pixel / map.width), pixel % map.width), pixel * 4);
  }
  return { rgba, width: map.width, height: map.height };
}

/** The channel that is shown; null: the norm over all channels. */
export type Channel = number | null;

/** An input of other than 1, 3 or 4 channels as gray: one of them, or the root of the mean of their squares. */
export function withChannels(input: InputImage, channel: Channel, isBands: boolean): InputImage {
  if (!isBands) return input;
  const { channels, width, height } = input;
  const pixels = Uint8Array.from({ length: width * height }, (_, pixel) => {
    const of = input.pixels.subarray(pixel * channels, (pixel + 1) * channels);
    return channel === null ? Math.round(Math.sqrt(of.reduce((sum, value) => sum + value * value, 0) / channels)) : of[Math.min(channel, channels - 1)];
  });
  return { pixels, width, height, channels: 1 };
}

/** One channel is gray, three are colors, and a fourth is opacity. */
export function inputRaster(input: InputImage): Raster {
  const { pixels, width, height, channels } = input;
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * channels;
    rgba[pixel * 4] = pixels[from];
    rgba[pixel * 4 + 1] = pixels[from + (channels > 2 ? 1 : 0)];
    rgba[pixel * 4 + 2] = pixels[from + (channels > 2 ? 2 : 0)];
    if (channels === 4) rgba[pixel * 4 + 3] = pixels[from + 3];
  }
  return { rgba, width, height };
}

/**
 * The colored heatmap over the gray input: strong relevance covers the input, zero relevance leaves it visible. The
 * shades contain the coverage, gray = 0.299 R + 0.587 G + 0.114 B; a heatmap of another size is read at the nearest
 * pixel.
 */
export function overlayRaster(input: InputImage, map: RelevanceMap, shades: Shades): Raster {
  const raster = inputRaster(input);
  const { rgba, width, height } = raster;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * map.height) / height);
    for (let x = 0; x < width; x++) {
      const column = Math.floor(((x + 0.5) * map.width) / width);
      const code = map.codes[row * map.width + column];
      const color = code === MISSING ? checker(row, column) : shades.table.subarray(code * 4, code * 4 + 3);
      const cover = shades.cover[code];
      const at = (y * width + x) * 4;
      const gray = 0.299 * rgba[at] + 0.587 * rgba[at + 1] + 0.114 * rgba[at + 2];
      for (let channel = 0; channel < 3; channel++) {
        rgba[at + channel] = Math.floor(gray * (1 - cover) + color[channel] * cover + 0.5);
      }
    }
  }
  return raster;
}

function checker(row: number, column: number): [number, number, number, number] {
  const gray = CHECKERS[(row + column) % 2];
  return [gray, gray, gray, 255];
}
