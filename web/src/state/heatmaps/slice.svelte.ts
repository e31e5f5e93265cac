import type { Axis } from "../../modality/volume/slices";

/** The slice of a volume that is shown alone; null: that with the most absolute relevance. */
export class SliceChoice {
  axis = $state<Axis>("depth");
  /** The sample to which the position belongs. */
  index = $state<number | null>(null);
  /** Between 0 and 1. */
  position = $state<number | null>(null);
}
