import { PICTURE_MODES } from "../../color/picture";
import PixelProbe from "../../components/PixelProbe.svelte";
import type { Drawn, FigureRequest, Layout, ModalityKind } from "../kind";
import { rasterCells } from "../raster";
import type { RunPictures } from "../../state/heatmaps/pictures";
import { shareOf } from "./box";
import ImageMean from "./ImageMean.svelte";
import ImagePicture from "./ImagePicture.svelte";

/** Of images, and of slices of volumes. */
export function pixelLayout({ shape }: RunPictures): Layout {
  const [height = 1, width = 1] = shape.slice(-2);
  return { aspect: Math.min(2, Math.max(0.5, width / height)), wide: 1, medoids: 5, modes: PICTURE_MODES, inputModes: ["input", "overlay", "side by side"] };
}

export async function drawImage({ scene, index, modes }: FigureRequest): Promise<Drawn> {
  const { pictures } = scene;
  const [map, input, sample] = await Promise.all([
    pictures.map(index, true),
    pictures.hasInputs ? pictures.input(index, true) : null,
    pictures.hasBoxes ? pictures.sample(index) : null,
  ]);
  const { cells, full } = rasterCells(scene, index, modes, map, input, map);
  const outline = sample?.box ? shareOf(sample.box, pictures.sides) : null;
  return { cells: cells.map((cell) => ({ ...cell, outline })), full, part: null };
}

/** Images (C, H, W): input, heatmap and overlay, pixel by pixel. */
export const image: ModalityKind = { layout: pixelLayout, Picture: ImagePicture, Mean: ImageMean, Reader: PixelProbe, readsComparisons: false, draw: drawImage };
