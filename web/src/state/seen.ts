import { HOME } from "./route";
import type { Route } from "./route";
import type { ClassSession } from "./session.svelte";
import type { Settings } from "./settings.svelte";
import type { Viewer } from "./viewer.svelte";

/** What is on the screen, as an address tells it; `follow` and `restore` are the way back. */
export function seen(viewer: Viewer, settings: Settings): Route {
  const { run, analysis, session, classes } = viewer;
  const place = { ...HOME, run: run?.id ?? null, analysis: analysis?.name ?? null };
  if (!session) return { ...place, classOrder: classes.order, classFilter: classes.filter || null };
  return {
    ...place,
    ...seenOfClass(session),
    camera: viewer.stage?.moved ?? null,
    colorMap: settings.colorMapName || null,
    pictures: settings.mode,
  };
}

function seenOfClass(session: ClassSession): Partial<Route> {
  const { data, clustering, embedding, current, axes, colourBy, order } = session;
  return {
    category: data.detail.id,
    clustering,
    embedding,
    sample: current < 0 ? null : data.indices[current],
    axes: axes[0] === 0 && axes[1] === 1 ? null : axes,
    colour: colourBy === "cluster" ? null : colourBy,
    order: order === "as in the run" ? null : order,
    selected: session.selectedCode,
  };
}
