import type { RunDetail, Sample } from "../../api/types";

/** Noun for a row of a run: "explanation" if samples have several of them. */
export function nounOf(run: Pick<RunDetail, "n_explanations" | "n_samples">): "sample" | "explanation" {
  return run.n_explanations === run.n_samples ? "sample" : "explanation";
}

/** True if the prediction is known to differ from the label. */
export function isWrong(sample: Sample | null): boolean {
  return sample !== null && sample.label !== null && sample.prediction !== null && sample.label !== sample.prediction;
}
