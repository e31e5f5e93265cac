/** Typed arrays as the server sends them: little-endian, with dtype and shape in headers. */

export type Numbers = Float32Array | Int32Array | Uint8Array;

export interface Column<T extends Numbers = Numbers> {
  data: T;
  shape: number[];
}

/**
 * One relevance map: value = (code - 128) / 127 * scale. Images: channels are summed; series: one line for each
 * channel; texts and tables: one line.
 */
export interface RelevanceMap {
  codes: Uint8Array;
  scale: number;
  height: number;
  width: number;
}

/** The relevance of a volume, channels summed; value = (code - 128) / 127 * scale. */
export interface RelevanceVolume {
  codes: Uint8Array;
  scale: number;
  depth: number;
  height: number;
  width: number;
}

export interface InputVolume {
  pixels: Uint8Array;
  depth: number;
  height: number;
  width: number;
  channels: number;
}

export interface InputImage {
  pixels: Uint8Array;
  height: number;
  width: number;
  channels: number;
}

/** A series, or a row of a table (one channel, a position for each column), as the input of the model. */
export interface SeriesValues {
  values: Float32Array;
  channels: number;
  length: number;
}

export function parseShape(header: string | null): number[] {
  const shape = (header ?? "").split(",").map((side) => Number(side.trim()));
  if (header === null || header === "" || shape.some((side) => !Number.isInteger(side) || side < 0)) {
    throw new Error(`X-Shape: expected integers separated by commas, got "${header}".`);
  }
  return shape;
}

const WIDTHS: Record<string, number> = { int8: 1, int16: 2, int32: 4, uint8: 1, float32: 4 };

/** Integers are sent in the smallest type that holds them, or as steps from each to the next; here they become int32. */
export function decodeColumn(buffer: ArrayBuffer, dtype: string | null, shape: number[], coding: string | null = null): Column {
  if (dtype === null || !Object.hasOwn(WIDTHS, dtype)) {
    throw new Error(`X-Dtype: expected one of ${Object.keys(WIDTHS).join(", ")}, got "${dtype}".`);
  }
  const length = shape.reduce((product, side) => product * side, 1);
  expectBytes(buffer, length * WIDTHS[dtype], shape);
  if (dtype === "float32") return { data: new Float32Array(buffer), shape };
  if (dtype === "uint8") return { data: new Uint8Array(buffer), shape };
  const received = dtype === "int8" ? new Int8Array(buffer) : dtype === "int16" ? new Int16Array(buffer) : new Int32Array(buffer);
  const data = received instanceof Int32Array ? received : Int32Array.from(received);
  if (coding === "steps") for (let at = 1; at < data.length; at++) data[at] += data[at - 1];
  return { data, shape };
}

/** Layout: uint16 [n, 2]. */
export function decodePlaces(buffer: ArrayBuffer, shape: number[]): Uint16Array {
  expectBytes(buffer, (shape[0] ?? 0) * 4, shape);
  return new Uint16Array(buffer);
}

/** Layout: float32 scale[n], then uint8 [n, H, W], [n, C, T] or [n, F]. */
export function decodeMaps(buffer: ArrayBuffer, shape: number[]): RelevanceMap[] {
  const [count = 0] = shape;
  const [height = 0, width = 0] = shape.length === 2 ? [1, shape[1]] : shape.slice(1);
  const area = height * width;
  expectBytes(buffer, count * 4 + count * area, shape);
  const scales = new Float32Array(buffer, 0, count);
  return Array.from(scales, (scale, item) => ({
    codes: new Uint8Array(buffer, count * 4 + item * area, area).slice(),
    scale,
    height,
    width,
  }));
}

/** Layout: float32 scale[n], then uint8 [n, D, H, W]. */
export function decodeVolumes(buffer: ArrayBuffer, shape: number[]): RelevanceVolume[] {
  const [count = 0, depth = 0, height = 0, width = 0] = shape;
  return decodeMaps(buffer, [count, depth * height, width]).map(({ codes, scale }) => ({ codes, scale, depth, height, width }));
}

/** Layout: uint8 [n, D, H, W, C]. */
export function decodeInputVolumes(buffer: ArrayBuffer, shape: number[]): InputVolume[] {
  const [count = 0, depth = 0, height = 0, width = 0, channels = 0] = shape;
  return decodeInputs(buffer, [count, depth * height, width, channels]).map(({ pixels }) => ({ pixels, depth, height, width, channels }));
}

/** Layout: uint8 [n, H, W, C]. */
export function decodeInputs(buffer: ArrayBuffer, shape: number[]): InputImage[] {
  const [count = 0, height = 0, width = 0, channels = 0] = shape;
  const area = height * width * channels;
  expectBytes(buffer, count * area, shape);
  return Array.from({ length: count }, (_, item) => ({
    pixels: new Uint8Array(buffer, item * area, area).slice(),
    height,
    width,
    channels,
  }));
}

/** Layout: float32 [n, C, T] or [n, F]. */
export function decodeValues({ data, shape }: Column): SeriesValues[] {
  const [count = 0] = shape;
  const [channels = 0, length = 0] = shape.length === 2 ? [1, shape[1]] : shape.slice(1);
  const size = channels * length;
  if (!(data instanceof Float32Array)) throw new Error("Series and tables: expected float32, got integers.");
  return Array.from({ length: count }, (_, item) => ({ values: data.slice(item * size, (item + 1) * size), channels, length }));
}

function expectBytes(buffer: ArrayBuffer, expected: number, shape: number[]): void {
  if (buffer.byteLength !== expected) {
    throw new Error(`Expected ${expected} bytes for the shape ${shape.join(" x ")}, got ${buffer.byteLength}.`);
  }
}
