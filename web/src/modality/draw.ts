/** Small images of series, texts and tables for long lists, drawn on a canvas. */
import type { RelevanceMap, SeriesValues } from "../api/binary";
import type { Theme } from "../color/palette";
import type { Shades } from "../color/shades";
import type { Bar } from "./bars";
import { inkOn } from "./contrast";
import { channelValues, extent, placeInMap, strongest } from "./series";
import { INKS, colorOf, css } from "./shown";
import type { Token } from "./tokens";

export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;
export interface Seen {
  map: RelevanceMap;
  shades: Shades;
  theme: Theme;
}

const MOST_CHANNELS = 3;
const FONT = "10px system-ui, sans-serif";
const LINE = 14;

/** The channels with the most relevance, one below the other: a colored line, or only the relevance without inputs. */
export function drawSeries({ map, shades, theme }: Seen, series: SeriesValues | null, colored: boolean): Draw {
  return (context, width, height) => {
    const channels = strongest({ ...map, height: Math.min(map.height, series?.channels ?? map.height) }).slice(0, MOST_CHANNELS).sort((a, b) => a - b);
    const band = height / channels.length;
    channels.forEach((channel, row) => {
      if (!series) return drawStrip(context, map, shades, channel, width, row * band, band);
      const values = channelValues(series, channel);
      const [low, high] = extent(values);
      const x = (at: number) => 2 + (at / Math.max(1, values.length - 1)) * (width - 4);
      const y = (value: number) => row * band + 3 + (1 - (value - low) / (high - low)) * (band - 6);
      trace(context, values, x, y, colored ? INKS[theme].halo : INKS[theme].text, colored ? 3.5 : 1.2);
      if (colored) traceColored(context, values, x, y, (at) => css(colorOf(shades, map.codes[placeInMap(map, channel, at, values.length)])));
    });
  };
}

function drawStrip(context: CanvasRenderingContext2D, map: RelevanceMap, shades: Shades, channel: number, width: number, top: number, height: number) {
  const step = width / map.width;
  for (let at = 0; at < map.width; at++) {
    context.fillStyle = css(colorOf(shades, map.codes[channel * map.width + at]));
    context.fillRect(Math.floor(at * step), top, Math.ceil(step) + 1, height - 1);
  }
}

function trace(context: CanvasRenderingContext2D, values: Float32Array, x: (at: number) => number, y: (value: number) => number, color: string, width: number) {
  context.beginPath();
  values.forEach((value, at) => {
    if (at === 0 || !Number.isFinite(values[at - 1])) context.moveTo(x(at), y(value));
    else if (Number.isFinite(value)) context.lineTo(x(at), y(value));
  });
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.stroke();
}

function traceColored(context: CanvasRenderingContext2D, values: Float32Array, x: (at: number) => number, y: (value: number) => number, color: (at: number) => string) {
  context.lineWidth = 2;
  for (let at = 1; at < values.length; at++) {
    context.strokeStyle = color(at);
    context.beginPath();
    context.moveTo(x(at - 1), y(values[at - 1]));
    context.lineTo(x(at), y(values[at]));
    context.stroke();
  }
}

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
