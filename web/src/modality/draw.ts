import type { RelevanceMap } from "../api/binary";
import type { Theme } from "../color/palette";
import type { Shades } from "../color/shades";

/** Draws the small image of a sample for long lists, on a canvas. */
export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;
export interface Seen {
  map: RelevanceMap;
  shades: Shades;
  theme: Theme;
}

export const FONT = "10px system-ui, sans-serif";
