import { mapRaster } from "../color/picture";
import { shadesOf } from "../color/shades";
import { PLAIN } from "../state/heatmaps/appearance";
import type { Settings } from "../state/heatmaps/settings.svelte";
import type { Bar } from "./bar";
import { hrefOf } from "./draw";

/** The color bar of the chosen look; `end` is what full color stands for, null where each map has its own. */
export function barOf(settings: Settings, end: string | null): Bar {
  const codes = Uint8Array.from({ length: 255 }, (_, step) => step + 1);
  return { href: hrefOf(mapRaster({ codes, height: 1, width: 255 }, shadesOf(1, 1, settings.look))), end };
}

/** How the colors came about, in words. */
export function notedLook({ appearance, colorMapName }: Settings): string {
  const { norm, clip, gamma, opacity } = appearance;
  const scales = { sample: "each map", cluster: "the cluster", all: "the class" };
  const most = clip === 100 ? "largest |relevance|" : `${clip}th percentile of |relevance|`;
  const more = [gamma === PLAIN.gamma ? "" : `gamma ${gamma}`, opacity === PLAIN.opacity ? "" : `overlay ${Math.round(opacity * 100)} %`];
  return [colorMapName, `full color: ${most} of ${scales[norm]}`, ...more].filter((part) => part !== "").join(" · ");
}
