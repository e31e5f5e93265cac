import { describe, expect, it } from "vitest";

import { rectangleOf, readBox } from "../src/modality/image/box";

describe("the box of a detected object", () => {
  it("is a rectangle whose sides differ", () => {
    expect(rectangleOf([8, 7.5, 17, 12])).toEqual({ left: 8, top: 7.5, width: 9, height: 4.5 });
  });

  it("is read as its position and its sides, also where it begins outside of the image", () => {
    expect(readBox([8, 7.125, 17.25, 12])).toBe("left 8.00, top 7.13, 9.25 × 4.88");
    expect(readBox([-1.5, 0, 3, 120])).toBe("left -1.50, top 0, 4.50 × 120");
  });
});
