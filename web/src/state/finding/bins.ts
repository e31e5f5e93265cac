import type { Trial } from "../../api/types";

/** Bins of equal width over the shares from 0 to 1. */
export const BINS = 10;

/** The number of samples in a bin: carriers, others of the class, and both with the null instead of the evidence. */
export interface Bin {
  carriers: number;
  others: number;
  null: number;
}

/** Counts samples by the share of fresh hosts that their evidence, and its null, turn into the class. */
export function countShares(trials: readonly Trial[]): Bin[] {
  const bins = Array.from({ length: BINS }, (): Bin => ({ carriers: 0, others: 0, null: 0 }));
  for (const { hosts, turned, null_turned, carries } of trials) {
    bins[binOf(turned, hosts)][carries ? "carriers" : "others"]++;
    bins[binOf(null_turned, hosts)].null++;
  }
  return bins;
}

/** The bin of a share; the last one includes 1. */
function binOf(turned: number, hosts: number): number {
  return Math.min(BINS - 1, Math.floor((turned * BINS) / hosts));
}

/** The samples in words, for those who do not see the histogram. */
export function describeShares(trials: readonly Trial[]): string {
  const bins = countShares(trials);
  const range = (place: number) => `${(place * 100) / BINS} to ${((place + 1) * 100) / BINS} %`;
  const of = (part: keyof Bin) => bins.flatMap((bin, place) => (bin[part] > 0 ? [`${bin[part]} at ${range(place)}`] : [])).join(", ") || "none";
  return `Samples by the share of hosts that turn. Carriers: ${of("carriers")}. Others of the class: ${of("others")}. Null: ${of("null")}.`;
}
