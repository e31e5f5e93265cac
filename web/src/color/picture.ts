import type { InputImage, RelevanceMap } from "../api/binary";
import type { CodeColors } from "./lookup";

export type PictureMode = "input" | "map" | "overlay";
export const PICTURE_MODES: readonly PictureMode[] = ["input", "map", "overlay"];

export interface Raster {
  rgba: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

export function mapRaster(map: RelevanceMap, colors: CodeColors): Raster {
  const rgba = new Uint8ClampedArray(map.codes.length * 4);
  const words = new Uint32Array(rgba.buffer);
  const table = new Uint32Array(colors.buffer, colors.byteOffset, 256);
  for (let pixel = 0; pixel < words.length; pixel++) words[pixel] = table[map.codes[pixel]];
  return { rgba, width: map.width, height: map.height };
}

/** One channel is grey, three are colours, and a fourth is opacity. */
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
 * The coloured map over the grey input: where relevance is strong its colour covers the input, where it is zero the
 * input shows. Coverage = sqrt(|value| / scale), grey = 0.299 R + 0.587 G + 0.114 B; a map of another size is read
 * at the nearest pixel.
 */
export function overlayRaster(input: InputImage, map: RelevanceMap, colors: CodeColors): Raster {
  const raster = inputRaster(input);
  const { rgba, width, height } = raster;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * map.height) / height) * map.width;
    for (let x = 0; x < width; x++) {
      const code = map.codes[row + Math.floor(((x + 0.5) * map.width) / width)];
      const coverage = Math.sqrt(Math.min(1, Math.abs(code - 128) / 127));
      const at = (y * width + x) * 4;
      const grey = 0.299 * rgba[at] + 0.587 * rgba[at + 1] + 0.114 * rgba[at + 2];
      for (let channel = 0; channel < 3; channel++) {
        rgba[at + channel] = Math.floor(grey * (1 - coverage) + colors[code * 4 + channel] * coverage + 0.5);
      }
    }
  }
  return raster;
}
