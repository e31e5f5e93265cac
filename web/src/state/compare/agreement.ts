import type { Contingency } from "./contingency";

/**
 * Adjusted Rand index: pairs of samples on which both clusterings agree, corrected for chance; 1 if equal, about 0 by chance.
 *
 *     (sum_ij C(n_ij, 2) - E) / (M - E),  E = sum_i C(a_i, 2) sum_j C(b_j, 2) / C(n, 2),  M = (sum_i C(a_i, 2) + sum_j C(b_j, 2)) / 2
 *
 * L. Hubert, P. Arabie: Comparing partitions. Journal of Classification 2 (1985), equation 5. Null without samples.
 */
export function adjustedRandIndex({ counts, rowTotals, columnTotals, total }: Contingency): number | null {
  if (total === 0) return null;
  const together = pairs(counts);
  const [left, right] = [pairs(rowTotals), pairs(columnTotals)];
  const expected = total < 2 ? 0 : (left * right) / ((total * (total - 1)) / 2);
  const most = (left + right) / 2;
  return most === expected ? 1 : (together - expected) / (most - expected); // both one cluster, or all samples alone
}

/**
 * Normalized mutual information of two clusterings, from 0 (none) to 1 (equal).
 *
 *     I(U; V) / ((H(U) + H(V)) / 2)
 *
 * N. X. Vinh, J. Epps, J. Bailey: Information theoretic measures for clusterings comparison. JMLR 11 (2010), table 2
 * (NMI_sum). It is not corrected for chance: many small clusters raise it. Null without samples.
 */
export function normalizedMutualInformation({ rows, columns, counts, rowTotals, columnTotals, total }: Contingency): number | null {
  if (total === 0) return null;
  const mean = (entropy(rowTotals, total) + entropy(columnTotals, total)) / 2;
  if (mean === 0) return 1; // one cluster on both sides
  let information = 0;
  for (let row = 0; row < rows.length; row++) {
    for (let column = 0; column < columns.length; column++) {
      const count = counts[row * columns.length + column];
      if (count > 0) information += (count / total) * Math.log((count * total) / (rowTotals[row] * columnTotals[column]));
    }
  }
  return Math.min(1, Math.max(0, information / mean));
}

function pairs(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < counts.length; at++) sum += (counts[at] * (counts[at] - 1)) / 2;
  return sum;
}

function entropy(counts: readonly number[], total: number): number {
  return counts.reduce((sum, count) => (count > 0 ? sum - (count / total) * Math.log(count / total) : sum), 0);
}
