export interface Pixel {
  row: number;
  column: number;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Position of an image with these sides, centered and fitted into a box. */
export function contained(box: Box, rows: number, columns: number): Box {
  const scale = Math.min(box.width / columns, box.height / rows);
  const [width, height] = [columns * scale, rows * scale];
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
}

/** The pixel at a position, or null outside of the image. */
export function pixelAt(x: number, y: number, box: Box, rows: number, columns: number): Pixel | null {
  const shown = contained(box, rows, columns);
  const row = Math.floor(((y - shown.top) / shown.height) * rows);
  const column = Math.floor(((x - shown.left) / shown.width) * columns);
  return row >= 0 && column >= 0 && row < rows && column < columns ? { row, column } : null;
}

export function boxOf({ row, column }: Pixel, box: Box, rows: number, columns: number): Box {
  const shown = contained(box, rows, columns);
  const [width, height] = [shown.width / columns, shown.height / rows];
  return { left: shown.left + column * width, top: shown.top + row * height, width, height };
}

/** The pixel that an arrow key leads to; without a current pixel, the middle. */
export function moved(from: Pixel | null, key: string, far: boolean, rows: number, columns: number): Pixel | null {
  const steps: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const step = steps[key];
  if (!step) return null;
  if (!from) return { row: rows >> 1, column: columns >> 1 };
  const [down, right] = step.map((by) => by * (far ? 10 : 1));
  const bounded = (at: number, count: number) => Math.min(count - 1, Math.max(0, at));
  return { row: bounded(from.row + down, rows), column: bounded(from.column + right, columns) };
}
