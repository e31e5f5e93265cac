import { inkOn } from "../contrast";
import { FONT } from "../draw";
import type { Draw, Seen } from "../draw";
import { INKS, colorOf, css } from "../shown";
import type { Token } from "./tokens";

const LINE = 14;

/** The words from `first` on, as many as fit, on a background colored by relevance. */
export function drawText({ map, shades, theme }: Seen, tokens: readonly Token[], first: number, colored: boolean): Draw {
  return (context, width, height) => {
    context.font = FONT;
    context.textBaseline = "middle";
    let [left, top] = [2, 2];
    const words = tokens.slice(first).filter((token) => !token.padding);
    for (const token of first > 0 ? [{ ...tokens[0], word: "…", place: -1 }, ...words] : words) {
      const wide = Math.min(width - 4, context.measureText(token.word).width + 4);
      if (left > 2 && left + wide > width - 2) [left, top] = [2, top + LINE];
      if (top + LINE > height) return;
      const color = colorOf(shades, map.codes[Math.max(0, token.place)]);
      const shown = colored && token.place >= 0;
      if (shown) {
        context.fillStyle = css(color);
        context.fillRect(left, top, wide, LINE - 1);
      }
      context.fillStyle = shown ? inkOn(color) : INKS[theme].text;
      context.fillText(token.word, left + 2, top + LINE / 2, wide - 4);
      left += wide + 1;
    }
  };
}
