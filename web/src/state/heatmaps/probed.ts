import type { InputImage } from "../../api/binary";
import { SourceError } from "../../api/source";
import { MISSING, STEPS, ZERO } from "../../color/lookup";
import type { Pixel } from "../../color/pixels";
import { number } from "../page/format";
import type { RunPictures } from "./pictures";

/** The numbers shown in an image. */
export interface Probed {
  rows: number;
  columns: number;
  relevance: ArrayLike<number>;
  /** True for stored relevance; otherwise it is exact to `step` / 2, at the displayed size. */
  exact: boolean;
  step: number;
  input: InputImage | null;
}

/** The stored numbers of a sample or, if the source does not include them, those of the drawn heatmap. */
export async function probe(pictures: RunPictures, index: number): Promise<Probed> {
  const input = pictures.hasInputs ? pictures.wholeInput(index).catch(() => pictures.input(index, true)) : null;
  try {
    const { data, shape } = await pictures.relevance(index);
    return { rows: shape[0], columns: shape[1], relevance: data, exact: true, step: 0, input: await input };
  } catch (error) {
    if (!(error instanceof SourceError && error.status === 404)) throw error;
    const { codes, scale, height, width } = await pictures.map(index, true);
    const relevance = Float64Array.from(codes, (code) => (code === MISSING ? NaN : ((code - ZERO) / STEPS) * scale));
    return { rows: height, columns: width, relevance, exact: false, step: scale / STEPS, input: await input };
  }
}

/** Row and column from 0, the input's channels and the relevance there, in words. */
export function readPixel({ rows, columns, relevance, exact, step, input }: Probed, { row, column }: Pixel): string {
  const value = relevance[row * columns + column];
  const told = Number.isNaN(value) ? "missing" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Number.isFinite(value) ? number(Math.abs(value), 4) : "∞"}`;
  const about = exact || Number.isNaN(value) ? "" : ` ± ${number(step / 2, 2)}`;
  return [`row ${row}, column ${column}`, ...inputAt(input, row / rows, column / columns, 1 / rows, 1 / columns), `relevance ${told}${about}`].join(" · ");
}

/** The input at the middle of the pixel of the relevance map; the same pixel if both have the same sides. */
function inputAt(input: InputImage | null, top: number, left: number, high: number, wide: number): string[] {
  if (!input) return [];
  const row = Math.min(input.height - 1, Math.floor((top + high / 2) * input.height));
  const column = Math.min(input.width - 1, Math.floor((left + wide / 2) * input.width));
  const start = (row * input.width + column) * input.channels;
  return [`input ${Array.from(input.pixels.subarray(start, start + input.channels)).join(" ")}`];
}
