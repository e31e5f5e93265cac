import type { Rgb } from "../color/palette";

export type Ink = "#000000" | "#ffffff";

/** Relative luminance of WCAG 2.2, between 0 (black) and 1 (white). */
function luminance(color: Rgb): number {
  const [red, green, blue] = color.map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** (L1 + 0.05) / (L2 + 0.05), the lighter color first: 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((left, right) => left - right);
  return (high + 0.05) / (low + 0.05);
}

/** Black or white, whichever has more contrast on a color: at least 4.58 : 1 for any color. */
export function inkOn(color: Rgb): Ink {
  return contrast(color, [0, 0, 0]) >= contrast(color, [255, 255, 255]) ? "#000000" : "#ffffff";
}
