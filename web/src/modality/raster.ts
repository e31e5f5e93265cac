import type { InputImage, RelevanceMap } from "../api/binary";
import { inputRaster, mapRaster, overlayRaster, withChannels } from "../color/picture";
import type { Raster, SingleMode } from "../color/picture";
import { shadesOf } from "../color/shades";
import type { Shades } from "../color/shades";
import { hrefOf } from "../figure/draw";
import type { Cell } from "../figure/sample";
import { fullOf } from "../figure/scene";
import type { Scene } from "../figure/scene";
import { isPixelated } from "../state/heatmaps/appearance";
import type { RunPictures } from "../state/heatmaps/pictures";

/** The pixels of one display mode; null while what they need is missing. */
export function rasterOf(mode: SingleMode, pictures: RunPictures, map: RelevanceMap | null, input: InputImage | null, shades: Shades | null): Raster | null {
  const shown = input && withChannels(input, pictures.channel.chosen, pictures.isBands);
  if (mode === "input") return shown && inputRaster(shown);
  if (!map || !shades) return null;
  if (mode === "map") return mapRaster(map, shades);
  return shown && overlayRaster(shown, map, shades);
}

/** The images of a figure, with their own pixels; `scaled` is what the scale is taken from. */
export function rasterCells(
  scene: Scene,
  index: number,
  modes: readonly SingleMode[],
  map: RelevanceMap,
  input: InputImage | null,
  scaled: Pick<RelevanceMap, "codes" | "scale">,
): { cells: Cell[]; full: number } {
  const { pictures, settings } = scene;
  const full = fullOf(scene, index, scaled);
  const shades = shadesOf(map.scale, full, settings.look);
  const cells = modes.flatMap((mode) => {
    const raster = rasterOf(input ? mode : "map", pictures, map, input, shades);
    if (!raster) return [];
    return [{ href: hrefOf(raster), width: raster.width, height: raster.height, pixelated: isPixelated(settings.appearance.sampling, raster), caption: mode }];
  });
  return { cells, full };
}
