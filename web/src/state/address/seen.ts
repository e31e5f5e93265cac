import { appearanceTexts } from "../heatmaps/appearance";
import type { Comparison } from "../compare/comparison.svelte";
import { formatBrushes, formatHidings } from "../class/filter";
import { HOME } from "./route";
import type { Route } from "./route";
import type { ClassSession } from "../class/session.svelte";
import type { Settings } from "../heatmaps/settings.svelte";
import type { Stage } from "../scatter/stage.svelte";
import type { Methods } from "../compare/methods.svelte";
import type { ClassOrder } from "../page/classes.svelte";
import type { AnalysisDetail, RunDetail } from "../../api/types";

/** The part of a viewer that an address names. */
interface Screen {
  run: RunDetail | null;
  analysis: AnalysisDetail | null;
  session: ClassSession | null;
  classes: ClassOrder;
  comparison: Comparison | null;
  beside: { route: Route } | null;
  page: string | null;
  shown: string | null;
  finding: string | null;
  search: string | null;
  methods: Methods;
  stage: Stage | null;
  otherStage: Stage | null;
}

/** The current view as a route; `follow` and `restore` do the reverse. */
export function seen(viewer: Screen, settings: Settings): Route {
  const { run, analysis, session, classes, comparison } = viewer;
  const place = { ...HOME, run: run?.id ?? null, analysis: analysis?.name ?? null };
  const other = viewer.beside?.route ?? null;
  if (viewer.page !== null) return { ...place, page: viewer.page, shown: viewer.shown };
  if (!session) {
    const { finding, search } = viewer;
    return { ...place, with: other, classOrder: classes.order, classFilter: classes.filter || null, finding, search };
  }
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
 * The part of the view that is kept for another class or the overview: the appearance of both sides and the comparison.
 * The compared class is the same one, which the address omits, unless the sides show different classes.
 */
export function onward({ session, comparison, beside }: Screen, category: string | null): Partial<Route> {
  if (!comparison) return { with: session && (beside?.route ?? null) };
  const { left, right } = comparison;
  const place = { ...HOME, run: right.data.run.id, analysis: right.data.analysis };
  if (category === null) return { with: place.run === left.data.run.id && place.analysis === left.data.analysis ? null : place };
  const same = left.data.detail.name === right.data.detail.name;
  return { ...drawnOf(left), with: { ...place, ...drawnOf(right), category: same ? null : right.data.detail.id } };
}

/** The appearance of a class, without its selection, filters and current sample. */
function drawnOf(session: ClassSession): Partial<Route> {
  const { clustering, embedding, axes, color, draw, order, clusters, means } = seenOfClass(session);
  return { clustering, embedding, axes, color, draw, order, clusters, means };
}

/** The current and the selected samples follow from the left side where possible. */
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
  const { data, clustering, embedding, current, axes, colorBy, order, filter } = session;
  return {
    category: data.detail.id,
    clustering,
    embedding,
    sample: current < 0 ? null : data.indices[current],
    axes: axes[0] === 0 && axes[1] === 1 ? null : axes,
    color: colorBy === "cluster" ? null : colorBy,
    draw: session.density ? "density" : null,
    order: order === "as in the run" ? null : order,
    selected: session.selectedCode,
    clusters: session.clusterOrder === "number" ? null : session.clusterOrder,
    means: session.absoluteMeans ? "absolute" : null,
    hide: formatHidings(filter.state.hidings),
    brush: formatBrushes(filter.state.brushes),
  } satisfies Partial<Route>;
}
