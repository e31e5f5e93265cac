import type { RelevanceMap } from "../api/binary";
import type { SingleMode } from "../color/picture";
import { shadesOf } from "../color/shades";
import { canvasOf } from "../figure/draw";
import type { Cell } from "../figure/sample";
import { fullOf } from "../figure/scene";
import type { Draw, Seen } from "./draw";
import type { Drawn, FigureRequest } from "./kind";

const SHARP = 2;

/** The images of a series, a text or a table row in a figure, on white; their height gives letters the common size. */
export async function drawnCells(
  { scene, index, modes, height }: FigureRequest,
  aspect: number,
  drawOf: (seen: Seen, map: RelevanceMap, mode: SingleMode) => Promise<Draw>,
): Promise<Drawn> {
  const map = await scene.pictures.map(index, true);
  const full = fullOf(scene, index, map);
  const seen = { map, shades: shadesOf(map.scale, full, scene.settings.look), theme: "light" as const };
  const cells = await Promise.all(modes.map(async (mode) => cellOf(await drawOf(seen, map, mode), aspect, height, mode)));
  return { cells, full, part: null };
}

function cellOf(draw: Draw, aspect: number, height: number, caption: string): Cell {
  const width = Math.round(height * aspect);
  const { element, context } = canvasOf(width * SHARP, height * SHARP);
  context.scale(SHARP, SHARP);
  draw(context, width, height);
  return { href: element.toDataURL("image/png"), width: element.width, height: element.height, pixelated: false, caption };
}
