import type { Blocks } from "./blocks";

/** Content written by `whyset export-html`, under the addresses of the server's API; see viewer/embed/archive.py. */
export interface Contents {
  note: string;
  answers: Record<string, unknown>;
  arrays: Record<string, StoredArray>;
  scattered: Record<string, StoredArray & { length: number }>;
  lists: Record<string, { rows: number[]; values: unknown[] }>;
  pictures: Record<string, StoredPictures>;
  /** Rows of the run that are included, in the order of `scattered`. */
  rows: number[];
}

export type StoredType = "float32" | "int32" | "uint8";

export interface StoredArray {
  block: number;
  dtype: StoredType;
  shape: number[];
}

export interface StoredPictures {
  rows: number[];
  blocks: number[];
  /** Items in a block. */
  per: number;
  dtype: StoredType;
  /** Shape of one item. */
  shape: number[];
  /** Plain numbers, numbers with a float32 scale of each item in front, or tiles of a WebP image. */
  form: "plain" | "scaled" | "sprite";
  /** Original length of shortened series. */
  length: string | null;
  /** Number of tiles in a row of a sprite. */
  columns?: number;
}

export async function contentsOf(blocks: Blocks): Promise<Contents> {
  return JSON.parse(new TextDecoder().decode(await blocks("contents"))) as Contents;
}

/** A column of the run with the included values in their rows, and "unknown" in all others. */
export function scatter(bytes: ArrayBuffer, dtype: StoredType, length: number, rows: readonly number[]): ArrayBufferView<ArrayBuffer> {
  const [held, all] = { float32: both(Float32Array), int32: both(Int32Array), uint8: both(Uint8Array) }[dtype](bytes, length);
  all.fill(dtype === "float32" ? NaN : dtype === "int32" ? -1 : 0);
  rows.forEach((row, place) => (all[row] = held[place]));
  return all;
}

type Sequence = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

function both(Kind: new (from: ArrayBuffer | number) => Sequence) {
  return (bytes: ArrayBuffer, length: number): [Sequence, Sequence] => [new Kind(bytes), new Kind(length)];
}
