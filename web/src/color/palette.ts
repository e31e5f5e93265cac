/**
 * Colors of clusters and other categories, after Okabe and Ito (2008): eight hues that can be distinguished with the
 * common forms of color-vision deficiency. Yellow is replaced by olive and wine, which are visible on white. Beyond
 * eight, the hues repeat with another shape, and every cluster also shows its number.
 */
const LIGHT = ["#0072b2", "#e08e00", "#009e73", "#c1639a", "#d14a00", "#4ba9e0", "#882255", "#8a8a2e"];
const DARK = ["#4a9fe0", "#f0ac1e", "#1db28a", "#dd92bd", "#f27a45", "#a9dcfa", "#c9608f", "#bdbd55"];
const NEUTRAL = { light: "#9a9fa6", dark: "#6d737b" };
/** Color of categories that share one entry: neutral too, but different from that of unknown values. */
const GATHERED = { light: "#5b6068", dark: "#a9afb6" };

/** Ends and middle of a scale that also works in gray: dark blue, gray, yellow (after cividis). */
const SCALE = { light: ["#123a7a", "#7b7f86", "#e0b43a"], dark: ["#3f6bb8", "#9a9c9e", "#f6d767"] };

export type Theme = "light" | "dark";
export type Rgb = [number, number, number];

export const SHAPES = 4;
export const HUES = LIGHT.length;

export function hue(category: number, theme: Theme): string {
  return (theme === "light" ? LIGHT : DARK)[category % HUES];
}

export function neutral(theme: Theme, gathered = false): string {
  return (gathered ? GATHERED : NEUTRAL)[theme];
}

/** 0 disc, 1 square, 2 diamond, 3 triangle. */
export function shape(category: number): number {
  return Math.floor(category / HUES) % SHAPES;
}

export function rgb(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The color at a position between 0 and 1 of the sequential scale. */
export function scaleColor(place: number, theme: Theme): Rgb {
  const stops = SCALE[theme].map(rgb);
  const at = Math.min(1, Math.max(0, place)) * (stops.length - 1);
  const from = Math.min(stops.length - 2, Math.floor(at));
  return stops[from].map((value, i) => Math.round(value + (stops[from + 1][i] - value) * (at - from))) as Rgb;
}
