/** Maximum length; browsers and chat programs truncate longer addresses. */
const LONGEST = 6000;

/** Encodes ascending numbers as short text: each range as its distance and length; null if too long. */
export function encodeIndices(indices: ArrayLike<number>, longest = LONGEST): string | null {
  const runs: string[] = [];
  let length = 0;
  for (let at = 0, last = 0; at < indices.length; ) {
    let end = at;
    while (end + 1 < indices.length && indices[end + 1] === indices[end] + 1) end++;
    const more = end > at ? `-${(end - at).toString(36)}` : "";
    const run = (indices[at] - last).toString(36) + more;
    length += run.length + 1;
    if (length > longest) return null;
    runs.push(run);
    last = indices[end];
    at = end + 1;
  }
  return runs.join(".");
}

/** Decodes the text of `encodeIndices`; null for other text. `most` bounds the numbers of a hand-written address. */
export function decodeIndices(text: string, most = 10_000_000): number[] | null {
  const indices: number[] = [];
  let last = 0;
  for (const run of text.split(".")) {
    const parts = /^([0-9a-z]{1,8})(?:-([0-9a-z]{1,8}))?$/.exec(run);
    if (!parts) return null;
    const first = last + parseInt(parts[1], 36);
    last = first + parseInt(parts[2] ?? "0", 36);
    if (last > Number.MAX_SAFE_INTEGER || indices.length + last - first >= most) return null;
    for (let index = first; index <= last; index++) indices.push(index);
  }
  return indices;
}

/** Value of an address for a selection that is too long. */
export const TOO_LONG = "*";

export function selectionCode(rows: ArrayLike<number>): string | null {
  return rows.length === 0 ? null : (encodeIndices(rows) ?? TOO_LONG);
}

/** Encodes whole clusters, which is short for clusters of any size: `_0_2`; noise is -1. */
export function encodeClusters(ids: readonly number[]): string {
  return ids.map((id) => `_${id}`).join("");
}

/** Decodes the text of `encodeClusters`; null for other text. */
export function decodeClusters(text: string): number[] | null {
  return /^(_-?\d{1,9}){1,32}$/.test(text) ? text.slice(1).split("_").map(Number) : null;
}
