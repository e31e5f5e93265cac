import { drawImage, pixelLayout } from "../image/image";
import type { Drawn, FigureRequest, ModalityKind } from "../kind";
import { rasterCells } from "../raster";
import SliceReader from "./SliceReader.svelte";
import { AXES, placeAt, sliceInput, sliceMap } from "./slices";
import VolumeMean from "./VolumeMean.svelte";
import VolumePicture from "./VolumePicture.svelte";

/** The chosen slice of the sample in the details; of others that with the most absolute relevance. */
async function draw(request: FigureRequest): Promise<Drawn> {
  const { scene, index, modes, chosen } = request;
  const { pictures } = scene;
  const { axis, position, index: of } = pictures.slice;
  if (!chosen || position === null || of !== index) return drawImage(request);
  const [volume, inputs] = await Promise.all([pictures.volume(index), pictures.hasInputs ? pictures.inputVolume(index) : null]);
  const slice = { axis, position };
  const slices = pictures.sides[AXES.indexOf(axis)] ?? 1;
  const drawn = rasterCells(scene, index, modes, sliceMap(volume, slice), inputs && sliceInput(inputs, slice), volume);
  return { ...drawn, part: `slice ${placeAt(position, slices) + 1} of ${slices} along the ${axis}` };
}

/** Volumes (C, D, H, W): slices, by default those with the most absolute relevance. */
export const volume: ModalityKind = { layout: pixelLayout, Picture: VolumePicture, Mean: VolumeMean, Reader: SliceReader, readsComparisons: true, draw };
