import type { Numbers } from "../../api/binary";
import type { Sample } from "../../api/types";
import { count, plural } from "../page/format";

/** A class, and the number of heatmaps that explain it; a negative class is unknown, or a target that is not a single class. */
export interface TargetCount {
  target: number;
  n: number;
}

const SHOWN = 3;
/** A contrast of classes, or a target that is not known, as of maps that were computed elsewhere. */
const NO_CLASS = "unknown or no single class";

/** The classes that the heatmaps of each group (cluster number) explain, the most frequent first. */
export function countTargets(targets: Numbers, groups: Int32Array): Map<number, TargetCount[]> {
  const counts = new Map<number, Map<number, number>>();
  for (let point = 0; point < targets.length; point++) {
    let group = counts.get(groups[point]);
    if (!group) counts.set(groups[point], (group = new Map<number, number>()));
    const target = Math.max(-1, targets[point]);
    group.set(target, (group.get(target) ?? 0) + 1);
  }
  return new Map(Array.from(counts, ([group, found]) => [group, sortCounts(found)]));
}

/** The counts of all groups together. */
export function mergeCounts(groups: Iterable<readonly TargetCount[]>): TargetCount[] {
  const found = new Map<number, number>();
  for (const group of groups) for (const { target, n } of group) found.set(target, (found.get(target) ?? 0) + n);
  return sortCounts(found);
}

function sortCounts(found: ReadonlyMap<number, number>): TargetCount[] {
  return Array.from(found, ([target, n]) => ({ target, n })).sort((a, b) => b.n - a.n || a.target - b.target);
}

/** "horse" if all heatmaps explain one class, otherwise "horse (12), cat (3)"; "" if unknown. */
export function describeTargets(counts: readonly TargetCount[], classes: readonly string[]): string {
  if (counts.length === 1) return className(counts[0].target, classes);
  const named = counts.slice(0, SHOWN).map(({ target, n }) => `${className(target, classes)} (${count(n)})`);
  const others = counts.slice(SHOWN);
  const rest = others.reduce((sum, { n }) => sum + n, 0);
  return [...named, ...(others.length > 0 ? [`${plural(others.length, "other class", "other classes")} (${count(rest)})`] : [])].join(", ");
}

/** The class that the heatmap of a sample explains. */
export function explainedClass(sample: Sample): string {
  return sample.target_name ?? (sample.target === null ? NO_CLASS : `class ${sample.target}`);
}

/** "80.0 % cat": confidence with its class. */
export function ofPrediction(confidence: string, sample: Sample): string {
  return sample.confidence === null || sample.prediction_name === null ? confidence : `${confidence} ${sample.prediction_name}`;
}

function className(target: number, classes: readonly string[]): string {
  return target < 0 ? NO_CLASS : (classes[target] ?? `class ${target}`);
}
