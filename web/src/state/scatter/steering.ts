import { toPlace } from "../../scatter/camera";
import { WAYS, toward } from "../../scatter/direction";
import { nearest } from "../../scatter/hover";
import { pointsInside } from "../../scatter/lasso";
import { STEPS, isMissing } from "../../scatter/points";
import type { ClassSession } from "../class/session.svelte";
import type { Stage } from "./stage.svelte";

const STEP = 60; // pixels of one key press
const ZOOM = 1.5;
const ANYWHERE = 2; // larger than the distance of any two positions

type Pressed = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

/** The action of a key while the scatter plot has the focus, equivalent to the pointer; null for other keys. */
export function steering(session: ClassSession, stage: Stage, event: Pressed): (() => void) | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const way = WAYS[event.key];
  if (way) return event.shiftKey ? () => stage.pan(-way[0] * STEP, way[1] * STEP) : () => step(session, stage, way);
  if (event.key === "Enter" || event.key === " ") return () => toggle(session);
  if (event.key === "+") return () => stage.zoom(ZOOM);
  return event.key === "-" ? () => stage.zoom(1 / ZOOM) : null;
}

/** Moves to the next point in that direction; without a current point, to the one in the middle of the view. */
function step(session: ClassSession, stage: Stage, way: readonly [number, number]): void {
  const { points, visible, current } = session;
  const there = current >= 0 && !isMissing(points, current) && visible?.[current] !== 0;
  const { x, y } = stage.camera;
  const next = there ? toward(points, placeOf(session, current), way, visible) : nearest(session.hoverIndex, x, y, ANYWHERE, visible);
  if (next < 0) return;
  session.current = next;
  stage.reveal(...placeOf(session, next));
}

function placeOf({ points }: ClassSession, point: number): [number, number] {
  return [points.positions[point * 2] / STEPS, points.positions[point * 2 + 1] / STEPS];
}

function toggle(session: ClassSession): void {
  if (session.current < 0) return;
  session.select([session.current], session.isSelected(session.current) ? "subtract" : "add");
}

/** Selects the points in view, an alternative to the rectangle tool without a pointer. */
export function selectView(session: ClassSession, stage: Stage): void {
  const [left, top] = toPlace(stage.projection, 0, 0);
  const [right, bottom] = toPlace(stage.projection, stage.width, stage.height);
  session.select(pointsInside(session.points, [left, top, right, top, right, bottom, left, bottom]), stage.selectionMode);
}
