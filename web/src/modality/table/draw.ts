import { FONT } from "../draw";
import type { Draw, Seen } from "../draw";
import { INKS, colorOf, css } from "../shown";
import type { Bar } from "./bars";

/** The bars of all columns in their order, so that images can be compared, and the name of the most relevant one. */
export function drawBars({ map, shades, theme }: Seen, bars: readonly Bar[]): Draw {
  return (context, width, height) => {
    const foot = height > 44 ? 13 : 0;
    const band = (height - foot - 2) / Math.max(1, bars.length);
    const middle = Math.round(width / 2);
    for (const bar of bars.toReversed()) {
      const wide = Math.abs(bar.share) * (width / 2 - 3);
      const box = [bar.share < 0 ? middle - wide : middle, 1 + bar.column * band, wide, Math.max(1, band - 0.5)] as const;
      context.fillStyle = css(colorOf(shades, map.codes[bar.column]));
      context.fillRect(...box);
      context.strokeStyle = INKS[theme].halo;
      context.lineWidth = 0.5;
      if (band > 3) context.strokeRect(...box);
    }
    context.fillStyle = INKS[theme].muted;
    context.fillRect(middle - 0.5, 0, 1, height - foot);
    if (foot === 0 || bars.length === 0) return;
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillStyle = INKS[theme].text;
    context.fillText(bars[0].name, 2, height - foot / 2, width - 4);
  };
}
