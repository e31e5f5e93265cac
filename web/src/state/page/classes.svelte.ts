import type { Route } from "../address/route";

const CLASS_KEYS = ["rank", "name", "detail_contrast", "separability", "beside", "p_value", "q_value", "eigengap", "n_clusters", "view", "n_samples", "n_explanations", "accuracy"] as const;
export type ClassKey = (typeof CLASS_KEYS)[number];

/** Names of columns in addresses of earlier versions. */
const EARLIER: Record<string, ClassKey> = { clusters: "n_clusters", size: "n_samples" };

/** Order and filter of the table of classes. */
export class ClassOrder {
  sortedBy = $state<ClassKey>("rank");
  descending = $state(false);
  filter = $state("");

  /** Notation in addresses: "-separability" is descending; null is by rank. */
  get order(): string | null {
    return this.sortedBy === "rank" && !this.descending ? null : `${this.descending ? "-" : ""}${this.sortedBy}`;
  }

  /** Sorts the best first: descending, except ranks, names and p-values; the same column again reverses the order. */
  sortBy(key: ClassKey): void {
    this.descending = this.sortedBy === key ? !this.descending : !["rank", "name", "view", "p_value", "q_value"].includes(key);
    this.sortedBy = key;
  }

  restore({ classOrder, classFilter }: Route): void {
    const named = classOrder?.replace(/^-/, "") ?? "";
    const key = EARLIER[named] ?? named;
    const known = CLASS_KEYS.find((name) => name === key);
    this.sortedBy = known ?? "rank";
    this.descending = known !== undefined && classOrder?.startsWith("-") === true;
    this.filter = classFilter ?? "";
  }
}
