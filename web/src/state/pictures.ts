import { Batcher } from "../api/batcher";
import type { InputImage, RelevanceMap } from "../api/binary";
import { PICTURES_PER_REQUEST, SAMPLES_PER_REQUEST } from "../api/source";
import type { DataSource } from "../api/source";
import type { Sample } from "../api/types";
import type { PictureMode } from "../color/picture";
import type { Norms } from "./norms.svelte";

const THUMBNAIL = 64;
const LARGE = 256;
const SERVED_SIDE = 512; // the server scales to 8 ... 512 pixels

/** One of several pictures of the same sample, perhaps of another run; `index` is null where that run does not have it. */
export interface PictureView {
  name: string;
  pictures: RunPictures;
  index: number | null;
  mode: PictureMode;
  /** What its full colour stands for; without it, its own largest magnitude. */
  norms?: Norms;
}

/** The pictures of a point's sample, always as many. */
export type Views = (point: number) => PictureView[];

/** What the tiles of one run ask for, one sample at a time; requests are gathered and answers kept. */
export class RunPictures {
  readonly hasInputs: boolean;
  /** Width over height, within what a tile can show. */
  readonly aspect: number;
  readonly #samples: Batcher<Sample>;
  readonly #maps = new Map<number, Batcher<RelevanceMap>>();
  readonly #inputs = new Map<number, Batcher<InputImage>>();
  readonly #source: DataSource;
  readonly #run: string;
  readonly #longest: number;

  constructor(source: DataSource, run: string, mapShape: number[], inputShape: number[] | null) {
    this.#source = source;
    this.#run = run;
    this.#longest = Math.max(1, ...mapShape.slice(-2));
    const [height = 1, width = 1] = mapShape.slice(-2);
    this.aspect = Math.min(2, Math.max(0.5, width / height));
    this.hasInputs = inputShape !== null;
    this.#samples = new Batcher((indices) => source.samples(run, indices), SAMPLES_PER_REQUEST, 20_000);
  }

  sample(index: number): Promise<Sample> {
    return this.#samples.get(index);
  }

  map(index: number, large: boolean): Promise<RelevanceMap> {
    return this.#batcher(this.#maps, large, (indices, size) => this.#source.maps(this.#run, indices, size)).get(index);
  }

  input(index: number, large: boolean): Promise<InputImage> {
    return this.#batcher(this.#inputs, large, (indices, size) => this.#source.inputs(this.#run, indices, size)).get(index);
  }

  /** Small pictures travel as they are (0); others scaled down to what is shown. */
  #side(large: boolean): number {
    const wanted = large ? LARGE : THUMBNAIL;
    if (this.#longest <= wanted) return 0;
    return Math.min(SERVED_SIDE, wanted);
  }

  #batcher<T>(
    kept: Map<number, Batcher<T>>,
    large: boolean,
    fetch: (indices: number[], size?: number) => Promise<T[]>,
  ): Batcher<T> {
    const side = this.#side(large);
    let batcher = kept.get(side);
    if (!batcher) {
      const [limit, capacity] = side > THUMBNAIL ? [16, 96] : [PICTURES_PER_REQUEST / 4, 1500];
      batcher = new Batcher((indices) => (side === 0 ? fetch(indices) : fetch(indices, side)), limit, capacity);
      kept.set(side, batcher);
    }
    return batcher;
  }
}
