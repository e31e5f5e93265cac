import type { Raster } from "../color/picture";
import { fileNameOf } from "../state/page/save";
import type { Drawing } from "./svg";

export type FigureForm = "png" | "svg";
export const FIGURE_FORMS: readonly { form: FigureForm; name: string }[] = [
  { form: "png", name: "PNG" },
  { form: "svg", name: "SVG" },
];

/** Pixels of a PNG per pixel of the figure. */
const SHARPNESS = 2;

/** The unchanged pixels as a PNG in a data URL. */
export function hrefOf({ rgba, width, height }: Raster): string {
  const canvas = canvasOf(width, height);
  canvas.context.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.element.toDataURL("image/png");
}

/** The figure as a file; a PNG has twice the width of the figure in pixels. */
export async function fileOf(drawing: Drawing, form: FigureForm, parts: readonly (string | number)[]): Promise<File> {
  const name = fileNameOf(parts, form);
  const svg = new Blob([`<?xml version="1.0" encoding="UTF-8"?>\n${drawing.svg}\n`], { type: "image/svg+xml" });
  if (form === "svg") return new File([svg], name, { type: svg.type });
  return new File([await rasterized(svg, drawing)], name, { type: "image/png" });
}

async function rasterized(svg: Blob, { width, height }: Drawing): Promise<Blob> {
  const address = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = canvasOf(width * SHARPNESS, height * SHARPNESS);
    canvas.context.drawImage(image, 0, 0, width * SHARPNESS, height * SHARPNESS);
    return await new Promise<Blob>((resolve, reject) => {
      canvas.element.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser could not create a PNG of this size; save the figure as SVG."))), "image/png");
    });
  } finally {
    URL.revokeObjectURL(address);
  }
}

export function canvasOf(width: number, height: number): { element: HTMLCanvasElement; context: CanvasRenderingContext2D } {
  const element = Object.assign(document.createElement("canvas"), { width, height });
  const context = element.getContext("2d");
  if (!context) throw new Error("The browser did not provide a canvas to draw the figure.");
  return { element, context };
}
