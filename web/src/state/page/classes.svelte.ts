import type { Route } from "../address/route";

const CLASS_KEYS = ["rank", "name", "separability", "beside", "p_value", "q_value", "eigengap", "n_clusters", "n_samples", "n_explanations", "accuracy"] as const;
export type ClassKey = (typeof CLASS_KEYS)[number];

/** Columns as addresses named them before. */
const EARLIER: Record<string, ClassKey> = { clusters: "n_clusters", size: "n_samples" };

/** How the table of classes is ordered and filtered. */
export class ClassOrder {
  sortedBy = $state<ClassKey>("rank");
  descending = $state(false);
  filter = $state("");

  /** As an address writes it: "-separability" falls; null by rank. */
  get order(): string | null {
    return this.sortedBy === "rank" && !this.descending ? null : `${this.descending ? "-" : ""}${this.sortedBy}`;
  }

  /** The best first: falling, but for ranks, names and p-values; the same column again turns round. */
  sortBy(key: ClassKey): void {
    this.descending = this.sortedBy === key ? !this.descending : !["rank", "name", "p_value", "q_value"].includes(key);
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
