import { STEPS, isMissing } from "./points";
import type { Points } from "./points";

/** Ways on the screen: to the right, upwards, ... in places (y upwards). */
export const WAYS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** What lies beside the way counts as if it were farther. */
const ASIDE = 2;

/**
 * The point that one comes to first from a place (0 to 1) in a direction: among those within 45 degrees of it the one with
 * the least distance, where what lies aside counts double. -1 where there is none.
 */
export function towards(
  points: Points,
  [x, y]: readonly [number, number],
  [right, up]: readonly [number, number],
  visible: Uint8Array | null = null,
): number {
  let found = -1;
  let least = Infinity;
  for (let point = 0; point < points.count; point++) {
    if (isMissing(points, point) || (visible && !visible[point])) continue;
    const dx = points.positions[point * 2] - x * STEPS;
    const dy = points.positions[point * 2 + 1] - y * STEPS;
    const along = dx * right + dy * up;
    const aside = Math.abs(dx * up) + Math.abs(dy * right);
    if (along <= 0 || aside > along) continue;
    const cost = along + ASIDE * aside;
    if (cost < least) {
      least = cost;
      found = point;
    }
  }
  return found;
}
