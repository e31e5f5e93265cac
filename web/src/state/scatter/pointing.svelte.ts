import { panBy, pinch, toPlace } from "../../scatter/camera";
import type { Camera } from "../../scatter/camera";
import { pointsInside } from "../../scatter/lasso";
import { modeOf } from "../class/selection";
import type { ClassSession } from "../class/session.svelte";
import type { Stage, Tool } from "./stage.svelte";

const STILL = 4; // a shorter movement is a click
const LASSO_STEP = 3;

/** Pointer actions in the scatter plot: hover, choose a point, pan, zoom, and draw around points. */
export class Pointing {
  /** The current drag, its last position, and whether it is more than a click. */
  drag = $state.raw<{ tool: Tool; x: number; y: number; moved: boolean } | null>(null);
  /** Corners as positions, x0, y0, x1, y1, ... */
  lasso = $state.raw<number[]>([]);
  /** True if a pointer is over the scatter plot. */
  over = $state(false);
  /** True if a button is pressed, which distinguishes focus by click from focus by Tab. */
  pressed = false;
  readonly #session: ClassSession;
  readonly #stage: Stage;
  readonly #look: (camera: Camera) => void;
  /** Last positions of fingers and other pressed pointers. */
  readonly #down = new Map<number, readonly [number, number]>();

  /** `look` moves the view. */
  constructor(session: ClassSession, stage: Stage, look: (camera: Camera) => void) {
    this.#session = session;
    this.#stage = stage;
    this.#look = look;
  }

  press(event: PointerEvent): void {
    this.pressed = true;
    if (event.button > 1) return;
    const [x, y] = [event.offsetX, event.offsetY];
    const tool = event.button === 1 ? "pan" : this.#stage.tool;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, [x, y]);
    if (this.#down.size > 1) {
      this.#end(); // two fingers move the view, even during another drag
      return;
    }
    this.drag = { tool, x, y, moved: false };
    this.lasso = tool !== "pan" ? [...toPlace(this.#stage.projection, x, y)] : [];
  }

  move(event: PointerEvent): void {
    this.over = true;
    const [x, y] = [event.offsetX, event.offsetY];
    if (this.#down.size > 1) this.#pinch(event.pointerId, x, y);
    else if (this.drag) this.#dragTo(x, y, this.drag);
    else this.#session.hovered = this.#stage.pointAt(x, y);
  }

  release(event: PointerEvent): void {
    const ended = this.drag;
    const lasso = this.lasso;
    this.cancel(event);
    if (!ended) return;
    if (!ended.moved) {
      const point = this.#stage.pointAt(event.offsetX, event.offsetY);
      if (point >= 0) this.#session.current = point;
    } else if (ended.tool !== "pan") {
      this.#session.select(pointsInside(this.#session.points, lasso), modeOf(event, this.#stage.selectionMode));
    }
  }

  cancel(event: PointerEvent): void {
    this.pressed = false;
    this.#down.delete(event.pointerId);
    this.#end();
  }

  leave(): void {
    this.over = false;
    this.#session.hovered = -1;
  }

  #end(): void {
    this.drag = null;
    this.lasso = [];
  }

  #dragTo(x: number, y: number, drag: NonNullable<typeof this.drag>): void {
    const distance = Math.hypot(x - drag.x, y - drag.y);
    if (distance < (drag.moved ? LASSO_STEP : STILL) && !(drag.tool === "pan" && drag.moved)) return;
    const { projection } = this.#stage;
    this.#session.hovered = -1;
    if (drag.tool === "pan") this.#look(panBy(projection, x - drag.x, y - drag.y));
    else if (drag.tool === "lasso") this.lasso = [...this.lasso, ...toPlace(projection, x, y)];
    else this.lasso = rectangle(this.lasso, toPlace(projection, x, y));
    this.drag = { ...drag, x, y, moved: true };
  }

  #pinch(pointer: number, x: number, y: number): void {
    const from = [...this.#down.values()];
    this.#down.set(pointer, [x, y]);
    const to = [...this.#down.values()];
    this.#look(pinch(this.#stage.projection, [from[0], from[1]], [to[0], to[1]]));
  }
}

/** From the first corner to the opposite one, as a polygon. */
function rectangle([x, y]: number[], [right, bottom]: readonly number[]): number[] {
  return [x, y, right, y, right, bottom, x, bottom];
}
