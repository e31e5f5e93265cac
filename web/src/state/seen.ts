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
  const { run, analysis, session, classes, comparison } = viewer;
  const place = { ...HOME, run: run?.id ?? null, analysis: analysis?.name ?? null };
  const other = viewer.beside?.route ?? null;
  if (!session) return { ...place, with: other, classOrder: classes.order, classFilter: classes.filter || null };
  return {
    ...place,
    ...seenOfClass(session),
    camera: viewer.stage?.moved ?? null,
    ...seenOfPictures(settings),
    methods: viewer.methods.shown,
    with: comparison ? seenBeside(comparison, viewer.otherStage) : other,
  };
}

/**
 * What goes along to another class, or to all of them: how both sides are drawn, and what stands beside. That is the same
 * class there, which its address leaves out, unless the sides show different ones.
 */
export function onward({ session, comparison, beside }: Viewer, category: string | null): Partial<Route> {
  if (!comparison) return { with: session && (beside?.route ?? null) };
  const { left, right } = comparison;
  const place = { ...HOME, run: right.data.run.id, analysis: right.data.analysis };
  if (category === null) return { with: place.run === left.data.run.id && place.analysis === left.data.analysis ? null : place };
  const same = left.data.detail.name === right.data.detail.name;
  return { ...drawnOf(left), with: { ...place, ...drawnOf(right), category: same ? null : right.data.detail.id } };
}

/** How a class is drawn, without what is selected, filtered and looked at in it. */
function drawnOf(session: ClassSession): Partial<Route> {
  const { clustering, embedding, axes, colour, draw, order, clusters, means } = seenOfClass(session);
  return { clustering, embedding, axes, colour, draw, order, clusters, means };
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

function seenOfClass(session: ClassSession) {
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
  } satisfies Partial<Route>;
}
