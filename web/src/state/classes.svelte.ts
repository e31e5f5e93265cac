import type { Route } from "./route";

const CLASS_KEYS = ["rank", "name", "separability", "beside", "p_value", "eigengap", "clusters", "size", "accuracy"] as const;
export type ClassKey = (typeof CLASS_KEYS)[number];

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
    this.descending = this.sortedBy === key ? !this.descending : !["rank", "name", "p_value"].includes(key);
    this.sortedBy = key;
  }

  restore({ classOrder, classFilter }: Route): void {
    const key = classOrder?.replace(/^-/, "");
    const known = CLASS_KEYS.find((name) => name === key);
    this.sortedBy = known ?? "rank";
    this.descending = known !== undefined && classOrder?.startsWith("-") === true;
    this.filter = classFilter ?? "";
  }
}
