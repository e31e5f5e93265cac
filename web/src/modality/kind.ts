import type { Component, Snippet } from "svelte";

import type { PictureMode, SingleMode } from "../color/picture";
import type { Cell } from "../figure/sample";
import type { Scene } from "../figure/scene";
import type { Norms } from "../state/heatmaps/norms.svelte";
import type { RunPictures } from "../state/heatmaps/pictures";

/** Layout of small images: aspect ratio, width relative to images, number in a card, display modes. */
export interface Layout {
  aspect: number;
  wide: number;
  medoids: number;
  modes: readonly PictureMode[];
  /** The display modes for which a run must have stored inputs. */
  inputModes: readonly PictureMode[];
}

/** One sample, and how to show it. */
export interface PictureProps {
  pictures: RunPictures;
  index: number;
  mode: PictureMode;
  /** Shown alone and large, not in a list. */
  large: boolean;
  /** Shows the relevance of full color under the image. */
  caption: boolean;
  norms: Pick<Norms, "full"> | undefined;
}

/** The mean of relevance maps, as the analysis stores it; volumes have a depth. */
export interface MeanRelevance {
  values: Float32Array;
  depth: number;
  height: number;
  width: number;
}

export interface MeanProps {
  mean: MeanRelevance;
  /** Names of the columns of a table. */
  features: readonly string[] | null;
}

/** What surrounds the images of one sample in the details, and reads or chooses parts of them. */
export interface ReaderProps {
  pictures: RunPictures;
  index: number;
  children: Snippet;
}

/** What a figure shows of one sample. */
export interface FigureRequest {
  scene: Scene;
  index: number;
  modes: readonly SingleMode[];
  /** Height of the cells in the figure, to which letters are fitted. */
  height: number;
  /** Shows the part of the sample that is chosen in the details. */
  chosen: boolean;
}

/** The images of a sample, with the relevance of full color, and the shown part of the sample in words. */
export interface Drawn {
  cells: Cell[];
  full: number;
  part: string | null;
}

/** Everything that the viewer needs to know of one modality. */
export interface ModalityKind {
  layout: (pictures: RunPictures) => Layout;
  Picture: Component<PictureProps>;
  /** The mean map of a cluster; null: maps of different samples cannot be averaged. */
  Mean: Component<MeanProps> | null;
  /** Null: the images need no reader. */
  Reader: Component<ReaderProps> | null;
  /** True if samples that are compared also have their reader, which then belongs to the images of all runs. */
  readsComparisons: boolean;
  draw: (request: FigureRequest) => Promise<Drawn>;
}
