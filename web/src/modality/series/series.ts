import { SINGLE_MODES } from "../../color/picture";
import { drawnCells } from "../drawn";
import type { Drawn, FigureRequest, Layout, ModalityKind } from "../kind";
import { drawSeries } from "./draw";
import SeriesMean from "./SeriesMean.svelte";
import SeriesReader from "./SeriesReader.svelte";
import SeriesPicture from "./SeriesPicture.svelte";

const LAYOUT: Layout = { aspect: 1.6, wide: 1.5, medoids: 3, modes: SINGLE_MODES, inputModes: ["input", "overlay"] };

function draw(request: FigureRequest): Promise<Drawn> {
  const { pictures } = request.scene;
  return drawnCells(request, LAYOUT.aspect, async (seen, _map, mode) => {
    const series = pictures.hasInputs && mode !== "map" ? await pictures.values(request.index, true) : null;
    return drawSeries(seen, series, mode !== "input");
  });
}

/** Series (C, T): lines colored by relevance. */
export const series: ModalityKind = { layout: () => LAYOUT, Picture: SeriesPicture, Mean: SeriesMean, Reader: SeriesReader, readsComparisons: false, draw };
