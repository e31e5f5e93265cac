import { drawnCells } from "../drawn";
import type { Drawn, FigureRequest, Layout, ModalityKind } from "../kind";
import { valueOf } from "../shown";
import { barsOf } from "./bars";
import { drawBars } from "./draw";
import TableMean from "./TableMean.svelte";
import TablePicture from "./TablePicture.svelte";

const LAYOUT: Layout = { aspect: 1.3, wide: 1.3, medoids: 3, modes: ["overlay"], inputModes: ["overlay"] };

function draw(request: FigureRequest): Promise<Drawn> {
  return drawnCells(request, LAYOUT.aspect, async (seen, map) => {
    const relevance = Float32Array.from({ length: map.width }, (_, column) => valueOf(map, column));
    return drawBars(seen, barsOf(relevance, null, request.scene.pictures.features));
  });
}

/** Rows of tables (F,): bars with names, values and numbers. */
export const table: ModalityKind = { layout: () => LAYOUT, Picture: TablePicture, Mean: TableMean, Reader: null, readsComparisons: false, draw };
