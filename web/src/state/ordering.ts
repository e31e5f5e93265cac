import type { Numbers } from "../api/binary";

const DIGIT = 1 << 16;
const SIGN = 0x80000000;
const LAST = 0xffffffff;

/**
 * Positions by rising (or falling) value; equal ones keep their order, and what is not finite comes last.
 *
 * A radix sort in two passes of 16 bits: a million floats take some 20 ms, where a comparing sort takes a second.
 */
export function orderBy(values: Numbers, descending = false): Uint32Array {
  const keys = keysOf(values, descending);
  return pass(keys, pass(keys, null, 0), 16);
}

/** How many positions at the beginning of `orderBy` have a finite value. */
export function finiteCount(values: Numbers): number {
  if (!(values instanceof Float32Array)) return values.length;
  let count = 0;
  for (let at = 0; at < values.length; at++) if (Number.isFinite(values[at])) count++;
  return count;
}

/** Unsigned integers that are ordered as the values are. */
function keysOf(values: Numbers, descending: boolean): Uint32Array {
  const keys = new Uint32Array(values.length);
  const float = values instanceof Float32Array;
  const bits = float ? new Uint32Array(values.slice().buffer) : null;
  for (let at = 0; at < values.length; at++) {
    let key: number;
    if (bits) key = bits[at] & SIGN ? ~bits[at] : bits[at] | SIGN;
    else key = values[at] ^ SIGN;
    if (descending) key = ~key;
    keys[at] = float && !Number.isFinite(values[at]) ? LAST : key;
  }
  return keys;
}

/** Positions sorted by 16 bits of their keys, from the order that they had; null is the natural one. */
function pass(keys: Uint32Array, order: Uint32Array | null, shift: 0 | 16): Uint32Array {
  const next = new Uint32Array(DIGIT + 1);
  for (let at = 0; at < keys.length; at++) next[((keys[at] >>> shift) & (DIGIT - 1)) + 1]++;
  for (let digit = 0; digit < DIGIT; digit++) next[digit + 1] += next[digit];
  const sorted = new Uint32Array(keys.length);
  for (let at = 0; at < keys.length; at++) {
    const position = order ? order[at] : at;
    sorted[next[(keys[position] >>> shift) & (DIGIT - 1)]++] = position;
  }
  return sorted;
}
