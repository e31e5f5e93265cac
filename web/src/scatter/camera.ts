import type { Extent } from "./points";

/** The position in the middle of the view, and the magnification: 1 shows everything. */
export interface Camera {
  x: number;
  y: number;
  zoom: number;
}

export interface Viewport {
  width: number;
  height: number;
}

/** Relation of positions (0 to 1, y upwards) and pixels of the view (y downwards). */
export interface Projection {
  camera: Camera;
  viewport: Viewport;
  /** Pixels per unit of position. */
  unit: number;
}

const FILLED = 0.88; // share of the view covered by the points when all of them are shown
const CLOSEST = 64; // beyond this the steps of the quantized coordinates would be visible

export function fit(extent: Extent): Camera {
  return { x: (extent.left + extent.right) / 2, y: (extent.bottom + extent.top) / 2, zoom: 1 };
}

export function project(camera: Camera, viewport: Viewport, extent: Extent): Projection {
  const across = viewport.width / Math.max(extent.right - extent.left, 1e-3);
  const upwards = viewport.height / Math.max(extent.top - extent.bottom, 1e-3);
  return { camera, viewport, unit: camera.zoom * FILLED * Math.min(across, upwards) };
}

export function toScreen({ camera, viewport, unit }: Projection, x: number, y: number): [number, number] {
  return [viewport.width / 2 + (x - camera.x) * unit, viewport.height / 2 - (y - camera.y) * unit];
}

export function toPlace({ camera, viewport, unit }: Projection, left: number, top: number): [number, number] {
  return [camera.x + (left - viewport.width / 2) / unit, camera.y - (top - viewport.height / 2) / unit];
}

/** Magnifies by `factor`; the position under the pointer stays there. */
export function zoomAt(projection: Projection, factor: number, left: number, top: number): Camera {
  const { camera } = projection;
  const zoom = Math.min(CLOSEST, Math.max(0.5, camera.zoom * factor));
  const kept = camera.zoom / zoom;
  const [x, y] = toPlace(projection, left, top);
  return { x: x + (camera.x - x) * kept, y: y + (camera.y - y) * kept, zoom };
}

export function panBy({ camera, unit }: Projection, left: number, top: number): Camera {
  return { ...camera, x: camera.x - left / unit, y: camera.y + top / unit };
}

type Place = readonly [number, number];

/** Moves and magnifies with two fingers from `from` to `to`, in pixels; the points between them stay there. */
export function pinch(projection: Projection, from: readonly [Place, Place], to: readonly [Place, Place]): Camera {
  const middle = ([[x0, y0], [x1, y1]]: readonly [Place, Place]) => [(x0 + x1) / 2, (y0 + y1) / 2];
  const apart = ([[x0, y0], [x1, y1]]: readonly [Place, Place]) => Math.hypot(x1 - x0, y1 - y0);
  const [left, top] = middle(from);
  const [right, bottom] = middle(to);
  const camera = zoomAt(projection, apart(to) / Math.max(1, apart(from)), left, top);
  const unit = (projection.unit / projection.camera.zoom) * camera.zoom;
  return panBy({ ...projection, camera, unit }, right - left, bottom - top);
}
