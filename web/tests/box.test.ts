import { describe, expect, it } from "vitest";

import { cellAt } from "../src/figure/sample";
import { rectangleOf, readBox, shareOf } from "../src/modality/image/box";

describe("the box of a detected object", () => {
  it("is a rectangle whose sides differ", () => {
    expect(rectangleOf([8, 7.5, 17, 12])).toEqual({ left: 8, top: 7.5, width: 9, height: 4.5 });
  });

  it("is cut at the image in a figure, and not drawn beside it", () => {
    expect(shareOf([8, 6, 18, 12], [24, 40])).toEqual({ left: 0.2, top: 0.25, width: 0.25, height: 0.25 });
    expect(shareOf([-8, 12, 20, 99], [24, 40])).toEqual({ left: 0, top: 0.5, width: 0.5, height: 0.5 });
    expect(shareOf([40, 0, 50, 9], [24, 40])).toBeNull();
  });

  it("is drawn over its cell of a figure", () => {
    const cell = { href: "data:,", width: 40, height: 24, pixelated: true, caption: "input" };
    const drawn = cellAt({ ...cell, outline: { left: 0.2, top: 0.25, width: 0.25, height: 0.5 } }, 10, 100, 200, 120);
    expect(drawn.match(/<rect x="50" y="130" width="50" height="60"/g)).toHaveLength(2);
    expect(cellAt({ ...cell, outline: null }, 10, 100, 200, 120)).not.toContain("<rect");
    expect(cellAt(cell, 10, 100, 200, 120)).toContain('x="10" y="100" width="200" height="120"');
  });

  it("is read as its position and its sides, also where it begins outside of the image", () => {
    expect(readBox([8, 7.125, 17.25, 12])).toBe("left 8.00, top 7.13, 9.25 × 4.88");
    expect(readBox([-1.5, 0, 3, 120])).toBe("left -1.50, top 0, 4.50 × 120");
  });
});
