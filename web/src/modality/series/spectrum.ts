import { strongest } from "./lines";
import type { Column, RelevanceMap } from "../../api/binary";
import { encodeMap } from "../../color/lookup";

/** Relevance of one channel by frequency, or by frequency and time, with codes on one scale for all channels. */
export interface ChannelSpectrum {
  channel: number;
  values: Float32Array;
  codes: Uint8Array;
}

/** The relevance of one series: `frequencies` for each channel and, with an STFT, `frames` for each frequency. */
export interface SeriesSpectrum {
  frequencies: number;
  frames: number;
  scale: number;
  /** All codes, one line for each channel: a relevance map. */
  map: RelevanceMap;
  channels: readonly ChannelSpectrum[];
}

/** Reads the stored values of one series, (C, frequencies) or (C, frequencies, frames). */
export function readSpectrum({ data, shape }: Column): SeriesSpectrum {
  if (!(data instanceof Float32Array)) throw new Error("Relevance by frequency: expected float32, got integers.");
  const values = data;
  const [channels = 0, frequencies = 0, frames = 1] = shape;
  const size = frequencies * frames;
  const { codes, scale } = encodeMap(values);
  return {
    frequencies,
    frames,
    scale,
    map: { codes, scale, height: channels, width: size },
    channels: Array.from({ length: channels }, (_, channel) => {
      const part = [channel * size, (channel + 1) * size] as const;
      return { channel, values: values.subarray(...part), codes: codes.subarray(...part) };
    }),
  };
}

/** The channels with the most relevance, in their order. */
export function shownChannels({ map, channels }: SeriesSpectrum, most: number): ChannelSpectrum[] {
  return strongest(map).slice(0, most).sort((a, b) => a - b).map((channel) => channels[channel]);
}

/** A frequency or time with its unit: those of series with a known rate are in Hz and s. */
export interface Axis {
  unit: string;
  /** Distance of neighbors in this unit. */
  step: number;
}

/** The axis of frequencies; without a known step they are counted. */
export function frequencyAxis(step: number | null, rate: number | null): Axis {
  if (step === null) return { unit: "frequency", step: 1 };
  return rate === null ? { unit: "cycles per position", step } : { unit: "Hz", step: step * rate };
}

export function timeAxis(hop: number, rate: number | null): Axis {
  return rate === null ? { unit: "position", step: hop } : { unit: "s", step: hop / rate };
}

/** Where a channel's relevance has the largest magnitude. */
export function peakOf({ channels, frequencies, frames }: SeriesSpectrum): { channel: number; frequency: number; frame: number; relevance: number } {
  let best = { channel: 0, at: 0, relevance: 0 };
  for (const { channel, values } of channels) {
    values.forEach((relevance, at) => {
      if (Math.abs(relevance) > Math.abs(best.relevance)) best = { channel, at, relevance };
    });
  }
  const frequency = Math.min(frequencies - 1, Math.floor(best.at / frames));
  return { channel: best.channel, frequency, frame: best.at % frames, relevance: best.relevance };
}

export interface Bar {
  /** The first frequency of the bar, and the number of its frequencies. */
  start: number;
  count: number;
  value: number;
  code: number;
}

/** One bar for each frequency or, of more than `most`, for each part of them: the relevance with the largest magnitude. */
export function barsOf({ values, codes }: ChannelSpectrum, most: number): Bar[] {
  const parts = Math.min(values.length, Math.max(1, Math.floor(most)));
  return Array.from({ length: parts }, (_, part) => {
    const [start, stop] = [Math.floor((part * values.length) / parts), Math.floor(((part + 1) * values.length) / parts)];
    let best = start;
    for (let at = start; at < stop; at++) if (Math.abs(values[at]) > Math.abs(values[best])) best = at;
    return { start, count: stop - start, value: values[best], code: codes[best] };
  });
}

/** The map of time (to the right) and frequency (upward) of a channel: stored lines are frequencies from 0. */
export function upward({ codes }: Pick<ChannelSpectrum, "codes">, frequencies: number, frames: number): Pick<RelevanceMap, "codes" | "height" | "width"> {
  const turned = new Uint8Array(codes.length);
  for (let frequency = 0; frequency < frequencies; frequency++) {
    turned.set(codes.subarray(frequency * frames, (frequency + 1) * frames), (frequencies - 1 - frequency) * frames);
  }
  return { codes: turned, height: frequencies, width: frames };
}
