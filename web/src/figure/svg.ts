/** A finished figure: a standalone SVG document and its size in CSS pixels. */
export interface Drawing {
  svg: string;
  width: number;
  height: number;
}

export type Attributes = Record<string, string | number>;

export const INK = "#1b1d20";
export const MUTED = "#5c6168";
export const MARGIN = 16;

/** Text escaped for XML; characters that XML forbids are removed. */
export function escaped(text: string): string {
  const allowed = text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "");
  return allowed.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export function element(name: string, attributes: Attributes, children = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(text(value))}"`);
  return children === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${children}</${name}>`;
}

export interface Words extends Attributes {
  x: number;
  y: number;
}

/** A line of text at its baseline. */
export function line(words: string, attributes: Words): string {
  return element("text", { "font-size": 12, fill: INK, ...attributes }, escaped(words) || " ");
}

/** An image from a data URL, scaled to its box; pixels stay sharp if `pixelated`. */
export function picture(href: string, x: number, y: number, width: number, height: number, pixelated: boolean): string {
  const sharp: Attributes = pixelated ? { "image-rendering": "pixelated" } : {};
  return element("image", { href, x, y, width, height, preserveAspectRatio: "none", ...sharp });
}

/** The document around the parts: white in every theme, with a generic font. */
export function drawing(width: number, height: number, title: string, parts: readonly string[]): Drawing {
  const [wide, high] = [Math.ceil(width), Math.ceil(height)];
  const head = { xmlns: "http://www.w3.org/2000/svg", width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, "font-family": "sans-serif" };
  const ground = element("rect", { width: wide, height: high, fill: "#ffffff" });
  return { svg: element("svg", head, [element("title", {}, escaped(title)), ground, ...parts].join("\n")), width: wide, height: high };
}

/** Shortens text to about this width: letters of sans-serif fonts are 0.55 of their size wide on average. */
export function fitting(words: string, width: number, size = 12): string {
  const letters = Math.max(1, Math.floor(width / (size * 0.55)));
  return words.length <= letters ? words : `${words.slice(0, letters - 1)}…`;
}

function text(value: string | number): string {
  return typeof value === "number" ? String(Number(value.toFixed(2))) : value;
}
