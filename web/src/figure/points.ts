import { hue, scaleColor } from "../color/palette";
import type { Rgb } from "../color/palette";
import { toScreen } from "../scatter/camera";
import type { Projection } from "../scatter/camera";
import { DENSITY_CELL, density, densityColors } from "../scatter/density";
import { STEPS, isMissing } from "../scatter/points";
import { HIDDEN, SELECTED, pointOpacity, pointSize } from "../scatter/renderer";
import { webglRenderer } from "../scatter/webgl";
import type { Coloring } from "../state/class/coloring";
import { count, number, plural } from "../state/page/format";
import type { ClassSession } from "../state/class/session.svelte";
import type { Stage } from "../state/scatter/stage.svelte";
import { canvasOf, hrefOf } from "./draw";
import { scatterFigure } from "./scatter";
import type { DrawnPoint } from "./scatter";
import type { Drawing } from "./svg";

/** Maximum number of points drawn as separate shapes; more are drawn as one image. */
const MOST_SHAPES = 5000;
const SHARPNESS = 2;
const WHITE: Rgb = [255, 255, 255];

/** The current view of the scatter plot, in the colors of the light theme. */
export function drawnScatter(session: ClassSession, stage: Stage): Drawing {
  const coloring = session.coloring("light");
  const { data, embedding, axes, clustering } = session;
  const { width, height } = stage;
  const shapes = !session.density && session.points.count - session.points.missing <= MOST_SHAPES;
  const { limits } = session.coding;
  const selected = session.selected.length > 0 ? `, ${count(session.selected.length)} selected` : "";
  const filtered = session.visible ? `, ${count(session.visibleCount)} pass the filter` : "";
  return scatterFigure({
    title: `Class ${data.detail.name}`,
    words: `${plural(session.size, session.noun)}${filtered}${selected} · ${session.density ? "density" : `colored by ${session.column.title}`}`,
    width,
    height,
    points: shapes ? drawnPoints(session, stage, coloring) : { href: pictureOf(session, stage, coloring) },
    labels: labelsOf(session, stage),
    legend: (session.density ? [] : coloring.legend).map((entry) => ({ name: entry.name, count: count(entry.count), color: entry.color, shape: entry.shape })),
    scale: limits && !session.density ? { name: session.column.title, href: scaleHref(), low: number(limits.low), high: number(limits.high) } : null,
    note: [data.run.name, data.analysis, data.detail.name, clustering, `${embedding} ${axes.map((axis) => axis + 1).join(" × ")}`].join(" · "),
  });
}

/** Selected points are in front, as on the screen. */
function drawnPoints(session: ClassSession, { projection, width, height, camera }: Stage, { values, table }: Coloring): DrawnPoint[] {
  const { points, drawnMask } = session;
  const [size, opacity] = [pointSize(points.count, camera.zoom), pointOpacity(points.count)];
  const anySelected = session.selected.length > 0;
  const [behind, front]: [DrawnPoint[], DrawnPoint[]] = [[], []];
  for (let point = 0; point < points.count; point++) {
    if (isMissing(points, point) || drawnMask[point] & HIDDEN) continue;
    const [x, y] = toScreen(projection, points.positions[point * 2] / STEPS, points.positions[point * 2 + 1] / STEPS);
    if (x < -size || y < -size || x > width + size || y > height + size) continue;
    const selected = (drawnMask[point] & SELECTED) !== 0;
    const dimmed = anySelected && !selected;
    const entry = values[point] * 4;
    (selected ? front : behind).push({
      x,
      y,
      color: `rgb(${table[entry]},${table[entry + 1]},${table[entry + 2]})`,
      shape: table[entry + 3],
      radius: (size * (dimmed ? 0.8 : selected ? 1.1 : 1)) / 2,
      opacity: dimmed ? 0.22 * opacity : selected ? 1 : opacity,
    });
  }
  return [...behind, ...front];
}

/** All points drawn by the screen's renderer, at twice the resolution and on white. */
function pictureOf(session: ClassSession, { projection }: Stage, { values, table }: Coloring): string {
  const canvas = document.createElement("canvas");
  const renderer = webglRenderer(canvas);
  if (!renderer) throw new Error(`More than ${count(MOST_SHAPES)} points need WebGL2, which this browser does not support.`);
  try {
    renderer.setPoints(session.points);
    renderer.setColors(values, table);
    renderer.setMask(session.drawnMask, session.selected.length > 0);
    renderer.draw({ projection, pixelRatio: SHARPNESS, background: WHITE, every: 1, onlySelected: session.density });
    return session.density ? overDensity(canvas, session, projection) : canvas.toDataURL("image/png");
  } finally {
    renderer.dispose();
  }
}

/** The selected points in front of the density of all. */
function overDensity(front: HTMLCanvasElement, session: ClassSession, projection: Projection): string {
  const counted = density(session.points, projection, DENSITY_CELL, session.visible);
  const cells = canvasOf(counted.width, counted.height);
  cells.context.putImageData(new ImageData(densityColors(counted, "light"), counted.width, counted.height), 0, 0);
  const { element, context } = canvasOf(front.width, front.height);
  const scale = DENSITY_CELL * SHARPNESS;
  context.imageSmoothingEnabled = false;
  context.drawImage(cells.element, 0, 0, counted.width * scale, counted.height * scale);
  context.drawImage(front, 0, 0);
  return element.toDataURL("image/png");
}

function labelsOf(session: ClassSession, stage: Stage) {
  return session.clusterList.flatMap((cluster, place) => {
    const middle = session.labelPlaces[place];
    if (!middle) return [];
    const [x, y] = toScreen(stage.projection, middle.x, middle.y);
    return [{ text: String(cluster.id), x, y, color: session.colorBy === "cluster" ? hue(cluster.id, "light") : "#5c6168" }];
  });
}

function scaleHref(): string {
  const rgba = new Uint8ClampedArray(128 * 4).fill(255);
  for (let step = 0; step < 128; step++) rgba.set(scaleColor(step / 127, "light"), step * 4);
  return hrefOf({ rgba, width: 128, height: 1 });
}
