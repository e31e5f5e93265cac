import type { RelevanceMap } from "../api/binary";
import { ownScale } from "../color/shades";
import type { ClassSession } from "../state/class/session.svelte";
import type { Norms } from "../state/heatmaps/norms.svelte";
import type { RunPictures } from "../state/heatmaps/pictures";
import type { Settings } from "../state/heatmaps/settings.svelte";

/** Source and appearance of the images of a figure. */
export interface Scene {
  session: ClassSession;
  pictures: RunPictures;
  settings: Settings;
  norms: Norms | undefined;
}

/** The relevance of full color of a map. */
export function fullOf({ norms, settings }: Scene, index: number, map: Pick<RelevanceMap, "codes" | "scale">): number {
  const full = norms ? norms.full(index, map) : ownScale(map, settings.appearance.clip);
  if (full === null) throw new Error("The shared scale is still loading; try again in a moment.");
  return full;
}
