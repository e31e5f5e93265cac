import type { RelevanceMap } from "../api/binary";
import type { SingleMode } from "../color/picture";
import type { Shades } from "../color/shades";
import { barsOf } from "../modality/bars";
import { drawBars, drawSeries, drawText } from "../modality/draw";
import type { Draw } from "../modality/draw";
import { valueOf } from "../modality/shown";
import { firstShown, tokensOf } from "../modality/tokens";
import type { RunPictures } from "../state/heatmaps/pictures";
import { canvasOf } from "./draw";
import type { Cell } from "./sample";

const SHARP = 2;
const ROOM = 20;

/** The image of a series, a text or a table row in a figure, on white; its height gives its letters the common size. */
export async function modalityCell(pictures: RunPictures, index: number, mode: SingleMode, map: RelevanceMap, shades: Shades, height: number): Promise<Cell> {
  const draw = await drawOf(pictures, index, mode, map, shades);
  const width = Math.round(height * pictures.aspect);
  const { element, context } = canvasOf(width * SHARP, height * SHARP);
  context.scale(SHARP, SHARP);
  draw(context, width, height);
  return { href: element.toDataURL("image/png"), width: element.width, height: element.height, pixelated: false, caption: mode };
}

async function drawOf(pictures: RunPictures, index: number, mode: SingleMode, map: RelevanceMap, shades: Shades): Promise<Draw> {
  const seen = { map, shades, theme: "light" as const };
  if (pictures.modality === "series") {
    const series = pictures.hasInputs && mode !== "map" ? await pictures.values(index, true) : null;
    return drawSeries(seen, series, mode !== "input");
  }
  const relevance = Float32Array.from({ length: map.width }, (_, place) => valueOf(map, place));
  if (pictures.modality === "table") return drawBars(seen, barsOf(relevance, null, pictures.features));
  const tokens = tokensOf(await pictures.words(index), relevance);
  return drawText(seen, tokens, firstShown(tokens, ROOM), mode !== "input");
}
