import type { Sample } from "../../api/types";
import type { Box } from "../../color/pixels";
import { number } from "../../state/page/format";

/** The box of a detected object: left, top, right, bottom in pixels of the input. */
export type Corners = NonNullable<Sample["box"]>;

export function rectangleOf([left, top, right, bottom]: Corners): Box {
  return { left, top, width: right - left, height: bottom - top };
}

/** The part of the box that is inside of an image with these sides (height, width), in shares of them; null without one. */
export function shareOf([left, top, right, bottom]: Corners, [rows, columns]: readonly number[]): Box | null {
  const inside = (at: number, side: number) => Math.min(1, Math.max(0, at / side));
  const [x, y] = [inside(left, columns), inside(top, rows)];
  const [width, height] = [inside(right, columns) - x, inside(bottom, rows) - y];
  return width > 0 && height > 0 ? { left: x, top: y, width, height } : null;
}

/** "left 8.00, top 7.12, 9.20 × 9.31": where a box begins, its width and its height. */
export function readBox(corners: Corners): string {
  const { left, top, width, height } = rectangleOf(corners);
  return `left ${number(left)}, top ${number(top)}, ${number(width)} × ${number(height)}`;
}
