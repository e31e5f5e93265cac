import { drawnCells } from "../drawn";
import type { Drawn, FigureRequest, Layout, ModalityKind } from "../kind";
import { valueOf } from "../shown";
import { drawText } from "./draw";
import TextPicture from "./TextPicture.svelte";
import { firstShown, tokensOf } from "./tokens";

const ROOM = 20;
const LAYOUT: Layout = { aspect: 2.2, wide: 1.9, medoids: 2, modes: ["input", "overlay"], inputModes: [] };

function draw(request: FigureRequest): Promise<Drawn> {
  return drawnCells(request, LAYOUT.aspect, async (seen, map, mode) => {
    const relevance = Float32Array.from({ length: map.width }, (_, place) => valueOf(map, place));
    const tokens = tokensOf(await request.scene.pictures.words(request.index), relevance);
    return drawText(seen, tokens, firstShown(tokens, ROOM), mode !== "input");
  });
}

/** Texts (T,): words on a background colored by relevance. Words at one position differ, so there is no mean map. */
export const text: ModalityKind = { layout: () => LAYOUT, Picture: TextPicture, Mean: null, Reader: null, readsComparisons: false, draw };
