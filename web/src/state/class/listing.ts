import type { Numbers } from "../../api/binary";
import { SELECTED } from "../../scatter/renderer";
import type { SampleOrder } from "./choice";
import { orderBy } from "./ordering";
import { pointsThat } from "./selection";

/** Keys for ordering samples. */
export type SortKey = "silhouette" | "confidence" | "color";

/** All points in this order by the values of `of`; null for the order of the run or if values are missing. */
export function ranked(order: SampleOrder, of: (key: SortKey) => Numbers | undefined): Uint32Array | null {
  if (order === "as in the run") return null;
  const key = order.includes("typical") ? "silhouette" : order === "least confident" ? "confidence" : "color";
  const values = of(key);
  return values ? orderBy(values, order === "most typical" || order === "color, highest first") : null;
}

/** The selected points that pass the filter, or all that pass if none is selected; sorted by `ranked` if given. */
export function listed(ranking: Uint32Array | null, mask: Uint8Array, visible: Uint8Array | null, selecting: boolean): Int32Array {
  const passes = (point: number) => (visible ? visible[point] : 1) & (selecting ? mask[point] & SELECTED : 1);
  if (!ranking) return pointsThat(mask.length, passes);
  const points = new Int32Array(ranking.length);
  let count = 0;
  for (let at = 0; at < points.length; at++) {
    points[count] = ranking[at];
    count += passes(ranking[at]);
  }
  return points.slice(0, count);
}
