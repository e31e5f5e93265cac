import { SourceError } from "../source";
import type { StoredPictures } from "./archive";
import type { Blocks } from "./blocks";

const KEPT = 24;
const BYTES = { float32: 4, int32: 4, uint8: 1 };

/** Items of one array, decoded block by block; the most recently used blocks are cached. */
export class EmbeddedPictures {
  readonly #stored: StoredPictures;
  readonly #blocks: Blocks;
  readonly #places: Map<number, number>;
  readonly #decoded = new Map<number, Promise<ArrayBuffer>>();
  readonly #itemBytes: number;

  constructor(stored: StoredPictures, blocks: Blocks) {
    this.#stored = stored;
    this.#blocks = blocks;
    this.#places = new Map(stored.rows.map((row, place) => [row, place]));
    this.#itemBytes = stored.shape.reduce((product, side) => product * side, 1) * BYTES[stored.dtype];
  }

  /** The same answer as the server's: scales of all items if there are any, then the items. */
  async answer(indices: readonly number[]): Promise<Response> {
    const head = this.#stored.form === "scaled" ? 4 : 0;
    const bytes = new Uint8Array(indices.length * (head + this.#itemBytes));
    await Promise.all(
      indices.map(async (index, at) => {
        const place = this.#places.get(index);
        if (place === undefined) throw missing(index);
        const { per } = this.#stored;
        const block = await this.#block(Math.floor(place / per));
        const items = Math.min(per, this.#stored.rows.length - Math.floor(place / per) * per);
        const inside = place % per;
        bytes.set(new Uint8Array(block, inside * head, head), at * head);
        const item = new Uint8Array(block, items * head + inside * this.#itemBytes, this.#itemBytes);
        bytes.set(item, indices.length * head + at * this.#itemBytes);
      }),
    );
    const { dtype, shape, length } = this.#stored;
    const headers = { "X-Dtype": dtype, "X-Shape": [indices.length, ...shape].join(), ...(length === null ? {} : { "X-Length": length }) };
    return new Response(bytes, { headers });
  }

  #block(number: number): Promise<ArrayBuffer> {
    const known = this.#decoded.get(number) ?? this.#decode(number);
    this.#decoded.delete(number); // moved to the end: the most recently used
    this.#decoded.set(number, known);
    const [oldest] = this.#decoded.keys();
    if (this.#decoded.size > KEPT && oldest !== undefined) this.#decoded.delete(oldest);
    return known;
  }

  async #decode(number: number): Promise<ArrayBuffer> {
    const bytes = await this.#blocks(this.#stored.blocks[number]);
    return this.#stored.form === "sprite" ? tiles(bytes, this.#stored) : bytes;
  }
}

export function missing(index: number): SourceError {
  return new SourceError(`This file does not include sample ${index}.`, "To see it, open the run: whyset view RUN", 404);
}

/** The tiles of a WebP image, line by line: uint8 [n, H, W, C]. */
async function tiles(bytes: ArrayBuffer, { shape, columns = 1 }: StoredPictures): Promise<ArrayBuffer> {
  const [height, width, channels] = shape;
  const image = await createImageBitmap(new Blob([bytes], { type: "image/webp" }), { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("The browser did not provide a canvas to decode the inputs.");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const count = (image.height / height) * columns;
  const items = new Uint8Array(count * height * width * channels);
  let at = 0;
  for (let tile = 0; tile < count; tile++) {
    const [top, left] = [Math.floor(tile / columns) * height, (tile % columns) * width];
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) {
        for (let channel = 0; channel < channels; channel++) items[at++] = data[(y * image.width + x) * 4 + channel];
      }
    }
  }
  return items.buffer;
}
