import { describe, expect, it } from "vitest";

import type { RunDetail } from "../src/api/types";
import { PICTURE_MODES } from "../src/color/picture";
import { kindOf, layoutOf } from "../src/modality/registry";
import { RunPictures } from "../src/state/heatmaps/pictures";
import type { DataSource } from "../src/api/source";
import described from "../openapi.json";

const modalities = described.components.schemas.RunDetail.properties.modality.enum as RunDetail["modality"][];

const SHAPES: Record<RunDetail["modality"], number[]> = { image: [3, 9, 13], series: [2, 90], text: [12], table: [20], volume: [2, 6, 9, 13] };

function picturesOf(modality: RunDetail["modality"], inputs = true): RunPictures {
  const shape = SHAPES[modality];
  const detail = { id: "r", modality, map_shape: [1, ...shape.slice(1)], input_shape: inputs ? shape : null, features: null, rate: null, columns: [] };
  return new RunPictures({} as DataSource, detail as unknown as RunDetail);
}

describe.each(modalities)("the modality %s", (modality) => {
  it("of the server is drawn by the registry", () => {
    const kind = kindOf({ modality });
    expect(typeof kind.Picture).toBe("function");
    expect(typeof kind.draw).toBe("function");
    expect(kind.Reader === null && kind.readsComparisons).toBe(false);
  });

  it("has a layout with display modes, of which some need inputs", () => {
    const { aspect, wide, medoids, modes, inputModes } = layoutOf(picturesOf(modality));
    expect(aspect).toBeGreaterThanOrEqual(0.5);
    expect(aspect).toBeLessThanOrEqual(2.2);
    expect(wide).toBeGreaterThanOrEqual(1);
    expect(medoids).toBeGreaterThanOrEqual(1);
    expect(modes.length).toBeGreaterThanOrEqual(1);
    for (const mode of [...modes, ...inputModes]) expect(PICTURE_MODES).toContain(mode);
  });
});

describe("pictures of a run", () => {
  it("know from the axes whether samples are pixels", () => {
    expect(modalities.filter((modality) => picturesOf(modality).isRaster)).toEqual(["image", "volume"]);
  });

  it("have the sides of the input, or of the map without one", () => {
    expect(picturesOf("volume").sides).toEqual([6, 9, 13]);
    expect(picturesOf("volume", false).sides).toEqual([6, 9, 13]);
    expect(layoutOf(picturesOf("volume")).aspect).toBeCloseTo(13 / 9);
  });
});
