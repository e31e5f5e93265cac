import type { PictureMode } from "../../color/picture";
import type { Norms } from "../../state/heatmaps/norms.svelte";
import type { RunPictures } from "../../state/heatmaps/pictures";

/** A sample that is not an image, and how to show it. */
export interface ModalityProps {
  pictures: RunPictures;
  index: number;
  mode: PictureMode;
  /** Shown alone and large, not in a list. */
  large: boolean;
  norms: Pick<Norms, "full"> | undefined;
}
