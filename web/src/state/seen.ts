import { appearanceTexts } from "./appearance";
import type { Comparison } from "./comparison.svelte";
import { formatBrushes, formatHidings } from "./filter";
import { HOME } from "./route";
import type { Route } from "./route";
import type { ClassSession } from "./session.svelte";
import type { Settings } from "./settings.svelte";
import type { Stage } from "./stage.svelte";
import type { Viewer } from "./viewer.svelte";

/** What is on the screen, as an address tells it; `follow` and `restore` are the way back. */
export function seen(viewer: Viewer, settings: Settings): Route {
  const { run, analysis, session, classes, comparison, beside } = viewer;
  const place = { ...HOME, run: run?.id ?? null, analysis: analysis?.name ?? null };
  const other = beside && { ...HOME, run: beside.run.id, analysis: beside.analysis.name };
  if (!session) return { ...place, with: other, classOrder: classes.order, classFilter: classes.filter || null };
  return {
    ...place,
    ...seenOfClass(session),
    camera: viewer.stage?.moved ?? null,
    ...seenOfPictures(settings),
    methods: viewer.methods.shown,
    with: comparison && seenBeside(comparison, viewer.otherStage),
  };
}

/** The samples looked at and selected follow from the left side where they can. */
function seenBeside(comparison: Comparison, stage: Stage | null): Route {
  const { data } = comparison.right;
  return {
    ...HOME,
    ...seenOfClass(comparison.right),
    run: data.run.id,
    analysis: data.analysis,
    sample: null,
    selected: comparison.ownSelection,
    camera: stage?.moved ?? null,
  };
}

function seenOfPictures(settings: Settings): Partial<Route> {
  const { mode: _, ...rest } = appearanceTexts(settings.appearance);
  return { ...rest, colorMap: settings.colorMapName || null, pictures: settings.mode };
}

function seenOfClass(session: ClassSession): Partial<Route> {
  const { data, clustering, embedding, current, axes, colourBy, order, filter } = session;
  return {
    category: data.detail.id,
    clustering,
    embedding,
    sample: current < 0 ? null : data.indices[current],
    axes: axes[0] === 0 && axes[1] === 1 ? null : axes,
    colour: colourBy === "cluster" ? null : colourBy,
    draw: session.density ? "density" : null,
    order: order === "as in the run" ? null : order,
    selected: session.selectedCode,
    clusters: session.clusterOrder === "number" ? null : session.clusterOrder,
    means: session.absoluteMeans ? "absolute" : null,
    hide: formatHidings(filter.state.hidings),
    brush: formatBrushes(filter.state.brushes),
  };
}
