import { mapRaster } from "../color/picture";
import { shadesOf } from "../color/shades";
import { PLAIN } from "../state/heatmaps/appearance";
import type { Settings } from "../state/heatmaps/settings.svelte";
import type { Bar } from "./bar";
import { hrefOf } from "./draw";

/** The color bar of the chosen appearance; `end` is the relevance of full color, null if each heatmap has its own. */
export function barOf(settings: Settings, end: string | null): Bar {
  const codes = Uint8Array.from({ length: 255 }, (_, step) => step + 1);
  return { href: hrefOf(mapRaster({ codes, height: 1, width: 255 }, shadesOf(1, 1, settings.look))), end };
}

/** Describes the colors in words. */
export function notedLook({ appearance, colorMapName }: Settings): string {
  const { norm, clip, gamma, opacity } = appearance;
  const scales = { sample: "each heatmap", cluster: "the cluster", all: "the class" };
  const most = clip === 100 ? "largest |relevance|" : `${clip}th percentile of |relevance|`;
  const more = [gamma === PLAIN.gamma ? "" : `gamma ${gamma}`, opacity === PLAIN.opacity ? "" : `overlay ${Math.round(opacity * 100)} %`];
  return [colorMapName, `full color: ${most} of ${scales[norm]}`, ...more].filter((part) => part !== "").join(" · ");
}
