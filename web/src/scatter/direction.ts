import { MISSING, STEPS } from "./points";
import type { Points } from "./points";

/** Directions on the screen (right, up, ...) in positions (y upwards). */
export const WAYS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** Weight of the distance perpendicular to the direction. */
const ASIDE = 2;

/**
 * The next point from a position (0 to 1) in a direction: among those within 45 degrees of it the one with the smallest
 * distance, in which the perpendicular part counts double. -1 if there is none.
 */
export function toward(
  { positions }: Points,
  from: readonly [number, number],
  [right, up]: readonly [number, number],
  visible: Uint8Array | null = null,
): number {
  const axis = right === 0 ? 1 : 0;
  const sign = right + up;
  const [start, beside] = [from[axis] * STEPS, from[1 - axis] * STEPS];
  let found = -1;
  let least = Infinity;
  for (let at = axis; at < positions.length; at += 2) {
    const along = (positions[at] - start) * sign;
    if (along <= 0 || along >= least || positions[at] === MISSING) continue;
    const aside = Math.abs(positions[at ^ 1] - beside);
    const cost = along + ASIDE * aside;
    if (aside > along || cost >= least || visible?.[at >> 1] === 0) continue;
    least = cost;
    found = at >> 1;
  }
  return found;
}
