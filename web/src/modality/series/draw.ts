import type { RelevanceMap, SeriesValues } from "../../api/binary";
import type { Shades } from "../../color/shades";
import type { Draw, Seen } from "../draw";
import { INKS, colorOf, css } from "../shown";
import { channelValues, extent, placeInMap, strongest } from "./lines";

const MOST_CHANNELS = 3;

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
