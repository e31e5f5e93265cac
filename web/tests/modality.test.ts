import { describe, expect, it } from "vitest";

import { decodeMaps, decodeValues } from "../src/api/binary";
import { withChannels } from "../src/color/picture";
import { barsOf as barsOfTable } from "../src/modality/table/bars";
import { contrast, inkOn } from "../src/modality/contrast";
import { decimated, extent, placeInMap, placeOf, strokes, strongest, ticks } from "../src/modality/series/lines";
import { barsOf, frequencyAxis, peakOf, readSpectrum, shownChannels, timeAxis, upward } from "../src/modality/series/spectrum";
import { signed, valueOf } from "../src/modality/shown";
import { firstShown, paddingOf, tokensOf } from "../src/modality/text/tokens";

describe("text on colors", () => {
  it("is read with 4.5 : 1 at least on every color", () => {
    for (let red = 0; red < 256; red += 15) {
      for (let green = 0; green < 256; green += 15) {
        for (let blue = 0; blue < 256; blue += 15) {
          const ink = inkOn([red, green, blue]) === "#000000" ? 0 : 255;
          expect(contrast([red, green, blue], [ink, ink, ink])).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it("has the contrasts of WCAG", () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
    expect(contrast([255, 255, 255], [118, 118, 118])).toBeCloseTo(4.54, 2);
  });
});

describe("series", () => {
  it("keep the least and the greatest of each part, in their order", () => {
    expect(Array.from(decimated(Float32Array.of(0, 9, 0, 0, -5, 0, 1, 2), 4))).toEqual([0, 9, -5, 2]);
    const values = Float32Array.from({ length: 1000 }, (_, at) => Math.sin(at * at));
    const short = decimated(values, 100);
    expect(short.length).toBe(100);
    expect(extent(short)).toEqual(extent(values));
    expect(decimated(values, 1000)).toBe(values);
  });

  it("are drawn as one path for each color, the strongest on top, with gaps where there is no number", () => {
    const lines = strokes([0, 1, 2, 3, 4, 5], [0, 1, NaN, 3, 4, 5], [128, 128, 128, 128, 255, 129]);
    expect(lines).toEqual([{ code: 128, path: "M0 0L1 1" }, { code: 255, path: "M3 3L4 4L5 5" }]);
  });

  it("show the channels with the most relevance first, and read maps of fewer positions or channels", () => {
    const map = { codes: Uint8Array.of(128, 128, 120, 140, 129, 128), scale: 1, height: 3, width: 2 };
    expect(strongest(map)).toEqual([1, 2, 0]);
    expect(placeInMap({ height: 1, width: 5 }, 2, 99, 100)).toBe(4);
    expect(placeInMap({ height: 3, width: 4 }, 2, 1, 4)).toBe(9);
  });

  it("have round ticks, in seconds where the rate is known", () => {
    expect(ticks(0, 1.79, 4)).toEqual([0, 0.5, 1, 1.5]);
    expect(ticks(-1, 1, 2)).toEqual([-1, 0, 1]);
    expect(ticks(3, 3, 2)).toEqual([3]);
    expect([placeOf(8000, 16000), placeOf(7, null)]).toEqual([0.5, 7]);
  });
});

describe("relevance by frequency", () => {
  const stored = { data: Float32Array.of(0, 0, 0, 0, 0, 0, 1, 0, -4, 2, 0, 0), shape: [2, 3, 2] };

  it("is read by channel, frequency and frame, on one scale", () => {
    const spectrum = readSpectrum(stored);
    expect([spectrum.frequencies, spectrum.frames, spectrum.scale]).toEqual([3, 2, 4]);
    expect(peakOf(spectrum)).toEqual({ channel: 1, frequency: 1, frame: 0, relevance: -4 });
    expect(Array.from(spectrum.channels[1].codes)).toEqual([160, 128, 1, 192, 128, 128]);
    expect(shownChannels(spectrum, 1).map(({ channel }) => channel)).toEqual([1]);
    expect(() => readSpectrum({ data: Uint8Array.of(1), shape: [1, 1] })).toThrow("expected float32");
  });

  it("has the highest frequency above", () => {
    const map = upward({ codes: Uint8Array.of(1, 2, 3, 4, 5, 6) }, 3, 2);
    expect([Array.from(map.codes), map.height, map.width]).toEqual([[5, 6, 3, 4, 1, 2], 3, 2]);
  });

  it("is drawn by the strongest of several frequencies where there are too many", () => {
    const [one] = readSpectrum({ data: Float32Array.of(1, -3, 0, 2, 0), shape: [1, 5] }).channels;
    expect(barsOf(one, 5).map(({ value }) => value)).toEqual([1, -3, 0, 2, 0]);
    expect(barsOf(one, 2.9).map(({ start, count, value }) => [start, count, value])).toEqual([[0, 2, -3], [2, 3, 2]]);
    expect(barsOf(one, 0).map(({ value }) => value)).toEqual([-3]);
  });

  it("has axes in Hz and s where the rate is known", () => {
    expect(frequencyAxis(1 / 8, 100)).toEqual({ unit: "Hz", step: 12.5 });
    expect(frequencyAxis(1 / 8, null)).toEqual({ unit: "cycles per position", step: 0.125 });
    expect(frequencyAxis(null, 100)).toEqual({ unit: "frequency", step: 1 });
    expect([timeAxis(50, 100), timeAxis(50, null)]).toEqual([{ unit: "s", step: 0.5 }, { unit: "position", step: 50 }]);
  });
});

describe("tokens", () => {
  const tokens = tokensOf(["[CLS]", "no", "[PAD]", "good", "[PAD]"], [0.1, -2, 0, 1, 0.5, 0.25]);

  it("are padding where they are called so and behind the last word", () => {
    expect(tokens.map((token) => token.padding)).toEqual([false, false, true, false, true, true]);
    expect(paddingOf(tokens)).toEqual({ count: 3, relevance: 0.75 });
  });

  it("begin a small picture where the strongest is seen", () => {
    expect(firstShown(tokens, 8)).toBe(0);
    const long = tokensOf(Array.from({ length: 40 }, (_, at) => `w${at}`), Array.from({ length: 40 }, (_, at) => (at === 30 ? 5 : 0)));
    expect(firstShown(long, 8)).toBe(26);
  });
});

describe("bars", () => {
  it("come by magnitude, with names and values, and what is no number last", () => {
    const bars = barsOfTable([0.5, -2, NaN, 1], [10, 20, 30, 40], ["a", "b", "c", "d"]);
    expect(bars.map((bar) => [bar.name, bar.value, bar.share])).toEqual([["b", 20, -1], ["d", 40, 0.5], ["a", 10, 0.25], ["c", 30, 0]]);
    expect(barsOfTable([0, 0], null, null).map((bar) => [bar.name, bar.share])).toEqual([["column 0", 0], ["column 1", 0]]);
  });
});

it("relevance is written with its sign, and missing codes are no number", () => {
  expect([signed("0.5", 0.5), signed("-0.5", -0.5), signed("0", 0)]).toEqual(["+0.5", "−0.5", "0"]);
  expect(valueOf({ codes: Uint8Array.of(255, 0), scale: 4 }, 0)).toBe(4);
  expect(valueOf({ codes: Uint8Array.of(255, 0), scale: 4 }, 1)).toBeNaN();
});

it("maps of series and tables are read as lines", () => {
  const bytes = new Uint8Array(4 + 6);
  new Float32Array(bytes.buffer, 0, 1)[0] = 2;
  bytes.set([1, 128, 255, 4, 5, 6], 4);
  const [series] = decodeMaps(bytes.buffer, [1, 2, 3]);
  expect([series.height, series.width, series.scale, Array.from(series.codes)]).toEqual([2, 3, 2, [1, 128, 255, 4, 5, 6]]);
  const [table] = decodeMaps(bytes.buffer, [1, 6]);
  expect([table.height, table.width]).toEqual([1, 6]);
  expect(decodeValues({ data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] })[1].values).toEqual(Float32Array.of(3, 4));
  expect(() => decodeValues({ data: Int32Array.of(1), shape: [1, 1] })).toThrow("float32");
});

it("an input of many channels is shown one channel at a time, or by its norm", () => {
  const input = { pixels: Uint8Array.of(3, 4, 0, 0, 255, 0), width: 2, height: 1, channels: 3 };
  expect(Array.from(withChannels(input, 1, true).pixels)).toEqual([4, 255]);
  expect(Array.from(withChannels(input, null, true).pixels)).toEqual([3, 147]);
  expect(withChannels(input, 0, false)).toBe(input);
});
