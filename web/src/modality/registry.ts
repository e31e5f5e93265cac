import type { Modality } from "../api/types";
import type { RunPictures } from "../state/heatmaps/pictures";
import { image } from "./image/image";
import type { Layout, ModalityKind } from "./kind";
import { series } from "./series/series";
import { table } from "./table/table";
import { text } from "./text/text";
import { volume } from "./volume/volume";

/** How samples of each modality are shown; the facts that do not concern drawing are in `whyset.modality`. */
const MODALITIES: Record<Modality, ModalityKind> = { image, series, text, table, volume };

export function kindOf(pictures: Pick<RunPictures, "modality">): ModalityKind {
  return MODALITIES[pictures.modality];
}

export function layoutOf(pictures: RunPictures): Layout {
  return kindOf(pictures).layout(pictures);
}
