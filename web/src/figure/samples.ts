import { hue, neutral, shape } from "../color/palette";
import { MODE_NAMES, SINGLE_MODES } from "../color/picture";
import type { PictureMode, SingleMode } from "../color/picture";
import { readBox } from "../modality/image/box";
import { kindOf, layoutOf } from "../modality/registry";
import { count, number, percent, plural } from "../state/page/format";
import type { RunPictures } from "../state/heatmaps/pictures";
import { isWrong } from "../state/class/samples";
import type { ClassSession } from "../state/class/session.svelte";
import { explainedClass, ofPrediction } from "../state/class/targets";
import { barOf, notedLook } from "./look";
import { cellSize, gridFigure } from "./grid";
import type { GridRow } from "./grid";
import { sampleFigure } from "./sample";
import type { Scene } from "./scene";
import type { Drawing } from "./svg";

const SAMPLE_HEIGHT = 150;

/** The current sample: input, heatmap and overlay, with its metadata. */
export async function drawnSample(scene: Scene, index: number): Promise<Drawing> {
  const { session, pictures } = scene;
  const modes: readonly SingleMode[] = !pictures.isRaster ? ["overlay"] : pictures.hasInputs ? SINGLE_MODES : ["map"];
  const [sample, shown] = await Promise.all([pictures.sample(index), kindOf(pictures).draw({ scene, index, modes, height: SAMPLE_HEIGHT, chosen: true })]);
  const end = number(shown.full);
  const cells = shown.cells.map((cell, at) => ({ ...cell, caption: modes[at] === "map" ? `heatmap, ±${end}` : modes[at] }));
  const known = [`true ${sample.label_name ?? "unknown"}`, `predicted ${sample.prediction_name ?? "unknown"}`, ofPrediction(percent(sample.confidence), sample), `heatmap for ${explainedClass(sample)}`, ...(sample.box ? [`box ${readBox(sample.box)}`] : [])];
  const point = session.current >= 0 && session.data.indices[session.current] === index ? [session.clusterName(session.current)] : [];
  return sampleFigure({
    title: sample.id,
    words: [...known, ...point].join(" · "),
    cells,
    bar: barOf(scene.settings, end),
    note: [...placeOf(session), ...(shown.part === null ? [] : [shown.part]), notedLook(scene.settings)].join(" · "),
  });
}

export interface GridShape {
  columns: number;
  rows: number;
  /** One row for each cluster instead of the order of the list. */
  byCluster: boolean;
}

/** The first of the listed samples, as in the list. */
export async function drawnGrid(scene: Scene, wanted: GridShape): Promise<Drawing> {
  const { session, pictures, settings } = scene;
  const modes = listedModes(pictures, settings.mode);
  const colored = modes.some((mode) => mode !== "input");
  const groups = wanted.byCluster ? clusterGroups(session, wanted) : listGroups(session, wanted);
  const rows = await Promise.all(groups.map((group) => rowOf(scene, group, modes)));
  const { norm } = settings.appearance;
  const ends = new Set(rows.map((row) => row.end));
  const shared = norm === "sample" || norm === "cluster" && !wanted.byCluster ? null : ends.size === 1 ? [...ends][0] : null;
  const drawn = rows.reduce((sum, row) => sum + row.cells.length, 0);
  const listed = session.selected.length > 0 ? `${count(session.selected.length)} of ${plural(session.size, session.noun)} selected` : `all ${plural(session.size, session.noun)}`;
  return gridFigure({
    title: `Class ${session.data.detail.name}`,
    words: `${count(drawn)} shown · ${listed} · ${session.order}`,
    rows: rows.map((row) => ({ ...row, end: norm === "cluster" && shared === null && wanted.byCluster ? row.end : null })),
    bar: colored ? barOf(settings, shared) : null,
    note: [...placeOf(session), modes.map((mode) => MODE_NAMES[mode]).join(" and "), ...(colored ? [notedLook(settings)] : [])].join(" · "),
  });
}

interface Group {
  title: string;
  cluster: number | null;
  points: readonly number[];
}

function listGroups(session: ClassSession, { columns, rows }: GridShape): Group[] {
  const points = Array.from(session.shown.subarray(0, columns * rows));
  const starts = Array.from({ length: Math.ceil(points.length / columns) }, (_, row) => row * columns);
  return starts.map((start) => ({ title: "", cluster: null, points: points.slice(start, start + columns) }));
}

function clusterGroups(session: ClassSession, { columns, rows }: GridShape): Group[] {
  const members = new Map<number, number[]>();
  const sizes = new Map<number, number>();
  for (const point of session.shown) {
    const cluster = session.clusters[point];
    const list = members.get(cluster) ?? [];
    if (list.length < columns) list.push(point);
    members.set(cluster, list);
    sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  }
  const clusters = [...members.keys()].sort((a, b) => (a < 0 ? 1 : b < 0 ? -1 : a - b)).slice(0, rows);
  return clusters.map((cluster) => ({
    title: `${session.clusterTitle(cluster)}\n${plural(sizes.get(cluster) ?? 0, session.noun)}`,
    cluster,
    points: members.get(cluster) ?? [],
  }));
}

async function rowOf(scene: Scene, { title, cluster, points }: Group, modes: readonly SingleMode[]): Promise<GridRow> {
  const { session, pictures, settings } = scene;
  const { height } = cellSize(layoutOf(pictures).aspect);
  const told = settings.appearance.norm === "sample" && modes.some((mode) => mode !== "input");
  const drawn = await Promise.all(
    points.map(async (point) => {
      const index = session.data.indices[point];
      const [sample, { cells, full }] = await Promise.all([pictures.sample(index), kindOf(pictures).draw({ scene, index, modes, height, chosen: false })]);
      const predicted = sample.prediction_name ?? sample.id;
      const own = told ? ` ±${number(full)}` : "";
      return { cells: cells.map((cell, at) => ({ ...cell, caption: at > 0 ? "" : `${isWrong(sample) ? "≠ " : ""}${predicted}${own}` })), full };
    }),
  );
  return {
    title,
    color: cluster === null || cluster < 0 ? neutral("light") : hue(cluster, "light"),
    shape: cluster === null || cluster < 0 ? 0 : shape(cluster),
    cells: drawn.flatMap(({ cells }) => cells),
    end: drawn.length > 0 ? number(drawn[0].full) : null,
  };
}

/** The display modes of each sample in the list, from left to right. */
function listedModes(pictures: RunPictures, mode: PictureMode): readonly SingleMode[] {
  if (!pictures.isRaster) return mode !== "side by side" && layoutOf(pictures).modes.includes(mode) ? [mode] : ["overlay"];
  if (!pictures.hasInputs) return ["map"];
  return mode === "side by side" ? ["input", "map"] : [mode];
}

function placeOf({ data, clustering }: ClassSession): string[] {
  return [data.run.name, data.analysis, data.detail.name, clustering].filter((part) => part !== "");
}
