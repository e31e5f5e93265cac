import type { Sample } from "../../api/types";

/** Whether the prediction is known to differ from the label. */
export function isWrong(sample: Sample | null): boolean {
  return sample !== null && sample.label !== null && sample.prediction !== null && sample.label !== sample.prediction;
}
