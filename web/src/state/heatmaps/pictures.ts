import { Batcher } from "../../api/batcher";
import type { Column, InputImage, InputVolume, RelevanceMap, RelevanceVolume, SeriesValues } from "../../api/binary";
import { PICTURES_PER_REQUEST, SAMPLES_PER_REQUEST } from "../../api/source";
import type { DataSource } from "../../api/source";
import type { Modality, RunDetail, Sample, SpectrumAxes } from "../../api/types";
import type { PictureMode } from "../../color/picture";
import { ChannelChoice } from "./channel.svelte";
import { SliceChoice } from "./slice.svelte";
import type { Norms } from "./norms.svelte";

const THUMBNAIL = 64;
const LARGE = 256;
const SERVED_SIDE = 512; // the server scales to 8 ... 512 pixels
const MOST_VOXELS = 2 ** 22;
const BOX_COLUMN = "box_left"; // of the boxes of detected objects
const LOWEST_RATE = 1000; // positions per second of series that the server returns as sounds
const HIGHEST_RATE = 200_000;

/** One of several images of a sample, possibly of another run; `index` is null if that run does not have it. */
export interface PictureView {
  name: string;
  pictures: RunPictures;
  index: number | null;
  mode: PictureMode;
  /** Scale of full color; by default the largest magnitude of the heatmap. */
  norms?: Norms;
}

/** The images of a point's sample; their number is constant. */
export type Views = (point: number) => PictureView[];

/** Images of one run, requested by tiles one at a time; requests are combined and answers cached. */
export class RunPictures {
  readonly modality: Modality;
  /** Names of the columns of a table, or of the channels. */
  readonly features: readonly string[] | null;
  /** Number of positions of a series per second. */
  readonly rate: number | null;
  /** Shape of one relevance map in full size. */
  readonly shape: readonly number[];
  /** Channels of the stored input. */
  readonly channels: number;
  /** True if inputs are shown one channel at a time: not 1, 3 or 4 channels, or four named channels. */
  readonly isBands: boolean;
  readonly channel = new ChannelChoice();
  readonly slice = new SliceChoice();
  /** True if samples consist of pixels, so that input and heatmap are images of one form. */
  readonly isRaster: boolean;
  /** The sides of a sample without its channels: those of the input or, if it is not stored, of the map. */
  readonly sides: readonly number[];
  readonly hasInputs: boolean;
  /** True if samples are detected objects, whose boxes can be drawn: the size of the input is that of the stored one. */
  readonly hasBoxes: boolean;
  /** Relevance by frequency that can be shown. */
  readonly spectra: readonly SpectrumAxes[];
  readonly #samples: Batcher<Sample>;
  readonly #maps = new Map<number, Batcher<RelevanceMap>>();
  readonly #inputs = new Map<number, Batcher<InputImage>>();
  readonly #values = new Map<number, Batcher<SeriesValues>>();
  readonly #words: Batcher<string[]>;
  readonly #exact: Batcher<Column>;
  readonly #whole: Batcher<InputImage>;
  readonly #volumes: Batcher<RelevanceVolume>;
  readonly #inputVolumes: Batcher<InputVolume>;
  readonly #source: DataSource;
  readonly #run: string;
  readonly #longest: number;

  constructor(source: DataSource, detail: RunDetail) {
    const { id: run, modality, map_shape: shape, input_shape: inputShape } = detail;
    this.#source = source;
    this.#run = run;
    this.modality = modality;
    this.features = detail.features;
    this.rate = detail.rate;
    this.shape = shape;
    this.channels = inputShape?.[0] ?? 0;
    this.sides = (inputShape ?? shape).slice(1);
    this.isRaster = shape.length > 2;
    this.isBands = this.isRaster && (![0, 1, 3, 4].includes(this.channels) || (this.channels === 4 && detail.features !== null));
    this.#longest = Math.max(1, ...shape.slice(-2), ...(inputShape ?? []).slice(-2));
    this.hasInputs = inputShape !== null;
    this.hasBoxes = this.hasInputs && detail.columns.some((column) => column.name === BOX_COLUMN);
    this.spectra = source.spectrum ? detail.spectra : [];
    this.#words = new Batcher((indices) => source.tokens(run, indices), PICTURES_PER_REQUEST / 4, 1500);
    this.#exact = new Batcher((indices) => Promise.all(indices.map((index) => source.relevance(run, index))), 1, 8);
    this.#whole = new Batcher((indices) => source.inputs(run, indices), 1, 8);
    const [volume, inputs] = [volumeSide(shape), volumeSide(inputShape ?? shape)];
    this.#volumes = new Batcher((indices) => source.volumes(run, indices, volume), 1, 4);
    this.#inputVolumes = new Batcher((indices) => source.inputVolumes(run, indices, inputs), 1, 4);
    this.#samples = new Batcher((indices) => source.samples(run, indices), SAMPLES_PER_REQUEST, 20_000);
  }

  sample(index: number): Promise<Sample> {
    return this.#samples.get(index);
  }

  /** The stored relevance map of one sample, exact and in full size. */
  relevance(index: number): Promise<Column> {
    return this.#exact.get(index);
  }

  /** The address of the stored series as a sound; null for other inputs, and where no server answers. */
  soundAddress(index: number): string | null {
    const isSound = this.hasInputs && this.modality === "series" && this.rate !== null && this.rate >= LOWEST_RATE && this.rate <= HIGHEST_RATE;
    return isSound ? (this.#source.sound?.(this.#run, index) ?? null) : null;
  }

  /** The relevance of a sample by frequency; null where it cannot be read. */
  spectrum(name: SpectrumAxes["name"], index: number): Promise<Column> | null {
    return this.#source.spectrum?.(this.#run, name, index) ?? null;
  }

  /** The input in full size. */
  wholeInput(index: number): Promise<InputImage> {
    return this.#whole.get(index);
  }

  map(index: number, large: boolean): Promise<RelevanceMap> {
    return this.#batcher(this.#maps, large, (indices, size) => this.#source.maps(this.#run, indices, size)).get(index);
  }

  input(index: number, large: boolean): Promise<InputImage> {
    return this.#batcher(this.#inputs, large, (indices, size) => this.#source.inputs(this.#run, indices, size)).get(index);
  }

  /** The relevance of a whole volume, of a size that can be cut into slices quickly. */
  volume(index: number): Promise<RelevanceVolume> {
    return this.#volumes.get(index);
  }

  inputVolume(index: number): Promise<InputVolume> {
    return this.#inputVolumes.get(index);
  }

  /** The input of a series or a row of a table. */
  values(index: number, large: boolean): Promise<SeriesValues> {
    return this.#batcher(this.#values, large, (indices, size) => this.#source.values(this.#run, indices, size)).get(index);
  }

  /** The words of a text; empty if the run has neither words nor ids. */
  words(index: number): Promise<string[]> {
    return this.#words.get(index);
  }

  /** The relevance of one sample in full precision, row by row. */
  async exact(index: number): Promise<Float32Array> {
    const { data } = await this.#source.relevance(this.#run, index);
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  /** Small images are sent unchanged (0); others are scaled down to the displayed size. */
  #side(large: boolean): number {
    const wanted = this.shape.length === 2 ? (large ? SERVED_SIDE : 2 * THUMBNAIL) : large ? LARGE : THUMBNAIL;
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
      const [limit, capacity] = side > 2 * THUMBNAIL ? [16, 96] : [PICTURES_PER_REQUEST / 4, 1500];
      batcher = new Batcher((indices) => (side === 0 ? fetch(indices) : fetch(indices, side)), limit, capacity);
      kept.set(side, batcher);
    }
    return batcher;
  }
}

/** The longest side of a volume (C, D, H, W) that has at most MOST_VOXELS voxels; undefined: it is sent in full size. */
function volumeSide(shape: readonly number[]): number | undefined {
  const sides = shape.slice(1);
  const share = Math.cbrt(MOST_VOXELS / sides.reduce((product, side) => product * side, 1));
  const longest = Math.max(...sides);
  return share >= 1 && longest <= SERVED_SIDE ? undefined : Math.min(SERVED_SIDE, Math.floor(longest * Math.min(1, share)));
}
