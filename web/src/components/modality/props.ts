import type { PictureMode } from "../../color/picture";
import type { Norms } from "../../state/heatmaps/norms.svelte";
import type { RunPictures } from "../../state/heatmaps/pictures";

/** A sample that is no picture, and how it is to be seen. */
export interface ModalityProps {
  pictures: RunPictures;
  index: number;
  mode: PictureMode;
  /** Alone, and not one among many. */
  large: boolean;
  norms: Pick<Norms, "full"> | undefined;
}
