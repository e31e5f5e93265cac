import type { Sample } from "../../api/types";
import type { Box } from "../../color/pixels";
import { number } from "../../state/page/format";

/** The box of a detected object: left, top, right, bottom in pixels of the input. */
export type Corners = NonNullable<Sample["box"]>;

export function rectangleOf([left, top, right, bottom]: Corners): Box {
  return { left, top, width: right - left, height: bottom - top };
}

/** "left 8.00, top 7.12, 9.20 × 9.31": where a box begins, its width and its height. */
export function readBox(corners: Corners): string {
  const { left, top, width, height } = rectangleOf(corners);
  return `left ${number(left)}, top ${number(top)}, ${number(width)} × ${number(height)}`;
}
