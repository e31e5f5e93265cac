import type { RelevanceMap } from "../api/binary";
import { MISSING, STEPS, ZERO } from "./lookup";
import type { CodeColors } from "./lookup";

/** The chosen conversion of relevance to color. */
export interface Look {
  colors: CodeColors;
  /** Exponent of the share of full color: below 1 it emphasizes weak relevance. */
  gamma: number;
  /** Maximum opacity of an overlay. */
  opacity: number;
}

/** The colors of the 256 codes of one relevance map. */
export interface Shades {
  /** The relevance of full color. */
  full: number;
  /** The entry of the color map for each code. */
  entries: Uint8Array;
  /** RGBA of each code. */
  table: CodeColors;
  /** The opacity of an overlay at each code: opacity * sqrt(|entry - 128| / 127). */
  cover: Float32Array;
}

export function shadesOf(scale: number, full: number, look: Look): Shades {
  const entries = entriesOf(scale, full, look.gamma);
  const table = new Uint8ClampedArray(256 * 4);
  const cover = new Float32Array(256);
  entries.forEach((entry, code) => {
    table.set(look.colors.subarray(entry * 4, entry * 4 + 4), code * 4);
    cover[code] = look.opacity * Math.sqrt(Math.abs(entry - ZERO) / STEPS);
  });
  cover[MISSING] = look.opacity;
  return { full, entries, table, cover };
}

/** The same result as Python's `indices(values, full, gamma)` for the values of the codes. */
export function entriesOf(scale: number, full: number, gamma: number): Uint8Array {
  const entries = new Uint8Array(256);
  for (let code = 1; code < 256; code++) {
    const value = ((code - ZERO) / STEPS) * scale;
    const share = full > 0 ? Math.min(1, Math.abs(value) / full) : value === 0 ? 0 : 1;
    entries[code] = ZERO + Math.sign(value) * Math.round(share ** gamma * STEPS);
  }
  entries[MISSING] = MISSING;
  return entries;
}

/** The relevance of full color of a heatmap with its own scale: a percentile of its magnitudes. */
export function ownScale(map: Pick<RelevanceMap, "codes" | "scale">, percentile: number): number {
  return percentile >= 100 ? map.scale : (percentileOf(map.codes, percentile) / STEPS) * map.scale;
}

/** A percentile of the steps |code - 128| of non-missing values, linear between neighbors like NumPy's. */
export function percentileOf(codes: Uint8Array, percentile: number): number {
  const counts = new Uint32Array(STEPS + 1);
  for (const code of codes) if (code !== MISSING) counts[Math.abs(code - ZERO)]++;
  const known = counts.reduce((sum, count) => sum + count, 0);
  if (known === 0) return 0;
  const place = ((known - 1) * percentile) / 100;
  const [low, high] = [stepAt(counts, Math.floor(place)), stepAt(counts, Math.ceil(place))];
  return low + (high - low) * (place - Math.floor(place));
}

/** The magnitude with this rank, from 0. */
function stepAt(counts: Uint32Array, rank: number): number {
  let step = 0;
  for (let below = counts[0]; below <= rank; below += counts[step]) step++;
  return step;
}
