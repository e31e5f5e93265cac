import type { Estimate } from "../../api/types";
import { fixed, wholePercent } from "../page/format";

const MISSING = "–";

/** A number and its interval of 95 % as texts; the interval is empty if there is none. */
export interface Written {
  value: string;
  interval: string;
}

/** A share in percent: "99 %" and "[97, >99]". */
export function share(estimate: Estimate | null): Written {
  return written(estimate, wholePercent, (end) => wholePercent(end).replace(" %", ""));
}

/** A difference of shares in percentage points: "-1.2" and "[-3.1, +0.4]". */
export function points(estimate: Estimate | null): Written {
  return written(estimate, signed, signed);
}

/** A number with its interval: "0.72 [0.68, 0.76]". */
export function withInterval(estimate: Estimate | null, decimals = 2): string {
  const { value, interval } = written(estimate, (one) => fixed(one, decimals), (end) => fixed(end, decimals));
  return interval ? `${value} ${interval}` : value;
}

/** A difference of shares in percentage points with its sign. */
export function signed(share: number): string {
  const text = (100 * share).toFixed(1);
  if (Number(text) === 0) return "0.0";
  return share > 0 ? `+${text}` : text;
}

function written(estimate: Estimate | null, write: (value: number) => string, writeEnd: (end: number) => string): Written {
  if (!estimate) return { value: MISSING, interval: "" };
  return { value: write(estimate.value), interval: estimate.interval ? `[${estimate.interval.map(writeEnd).join(", ")}]` : "" };
}
