import { toPlace, toScreen } from "../../scatter/camera";
import { pointsInside } from "../../scatter/lasso";
import { STEPS, isMissing } from "../../scatter/points";
import { formatRoute } from "../address/route";
import { seen } from "../address/seen";
import type { ClassSession } from "../class/session.svelte";
import type { Settings } from "../heatmaps/settings.svelte";
import type { Viewer } from "./viewer.svelte";

/** Interface of a running viewer for tests; the viewer does not use it. */
export interface ViewerHook {
  view(): "loading" | "problem" | "overview" | "finding" | "methods" | "timeline" | "class" | "compare";
  pointCount(): number;
  selectedIndices(): number[];
  /** The selection of the other side of a comparison, and the sample under the pointer there, or null. */
  otherSelectedIndices(): number[];
  otherHovered(): number | null;
  /** The middle of a sample's point, in pixels of the window; null if it is not drawn. */
  positionOf(index: number): { x: number; y: number } | null;
  drawnFrames(): number;
  /** True if all requests are answered and the address matches the view. */
  addressIsWritten(): boolean;
  /** The point at a position of the scatter plot, in pixels, or -1. */
  pointAt(x: number, y: number): number;
  /** Number of points in a polygon: x0, y0, x1, y1, ... in pixels of the scatter plot. */
  countInside(corners: number[]): number;
}

declare global {
  interface Window {
    __viewer?: ViewerHook;
  }
}

/** Publishes the hook of the page's viewer for tests. */
export function showHook(_: Viewer, hook: ViewerHook): void {
  window.__viewer = hook;
}

export function hookInto(viewer: Viewer, settings: Settings): ViewerHook {
  return {
    view() {
      if (viewer.problem) return "problem";
      if (viewer.loading) return "loading";
      if (viewer.page === "methods" || viewer.page === "timeline") return viewer.page;
      if (!viewer.session) return viewer.finding === null ? "overview" : "finding";
      if (!viewer.comparison) return "class";
      return viewer.otherStage ? "compare" : "loading"; // its view is loaded when it is first shown
    },
    pointCount: () => viewer.stage?.session.points.count ?? 0,
    selectedIndices: () => selectedIn(viewer.session),
    otherSelectedIndices: () => selectedIn(viewer.comparison?.right),
    otherHovered() {
      const other = viewer.comparison?.right;
      return other && other.hovered >= 0 ? other.data.indices[other.hovered] : null;
    },
    positionOf(index) {
      const stage = viewer.stage;
      const point = stage?.session.data.indices.indexOf(index) ?? -1;
      if (!stage?.canvas || point < 0 || isMissing(stage.session.points, point)) return null;
      const { positions } = stage.session.points;
      const [x, y] = toScreen(stage.projection, positions[point * 2] / STEPS, positions[point * 2 + 1] / STEPS);
      const box = stage.canvas.getBoundingClientRect();
      return { x: box.left + x, y: box.top + y };
    },
    addressIsWritten() {
      if (viewer.loading || !viewer.run || settings.colorMapNames.length === 0) return false;
      return formatRoute(seen(viewer, settings)) === viewer.host.address.get();
    },
    drawnFrames: () => viewer.stage?.frames ?? 0,
    pointAt: (x, y) => viewer.stage?.pointAt(x, y) ?? -1,
    countInside(corners) {
      const stage = viewer.stage;
      if (!stage) return 0;
      const places = corners.flatMap((_, at) => (at % 2 === 0 ? toPlace(stage.projection, corners[at], corners[at + 1]) : []));
      return pointsInside(stage.session.points, places).length;
    },
  };
}

function selectedIn(session: ClassSession | null | undefined): number[] {
  return session ? Array.from(session.selected, (point) => session.data.indices[point]) : [];
}
