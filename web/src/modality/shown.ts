import type { RelevanceMap } from "../api/binary";
import { MISSING, STEPS, ZERO } from "../color/lookup";
import type { Rgb, Theme } from "../color/palette";
import type { Shades } from "../color/shades";

/** Colors of canvases besides relevance; the same as in app.css, which canvases cannot read. */
export const INKS: Record<Theme, { text: string; muted: string; line: string; halo: string }> = {
  light: { text: "#1b1d20", muted: "#5c6168", line: "#c9c9c4", halo: "#9aa0a8" },
  dark: { text: "#e7e7e4", muted: "#9ba1a8", line: "#454a51", halo: "#7b828b" },
};

export function colorOf(shades: Shades, code: number): Rgb {
  return [shades.table[code * 4], shades.table[code * 4 + 1], shades.table[code * 4 + 2]];
}

export function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}

/** The value of a code; NaN if missing. */
export function valueOf(map: Pick<RelevanceMap, "codes" | "scale">, place: number): number {
  const code = map.codes[place];
  return code === MISSING ? NaN : ((code - ZERO) / STEPS) * map.scale;
}

/** A number with its sign, the notation of relevance: +0.12, −0.03, 0. */
export function signed(text: string, value: number): string {
  return value > 0 ? `+${text}` : value < 0 ? `−${text.replace(/^-/, "")}` : text;
}
