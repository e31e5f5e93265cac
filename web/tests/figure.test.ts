import { expect, test } from "vitest";

import { gridFigure } from "../src/figure/grid";
import { sampleFigure } from "../src/figure/sample";
import { scatterFigure } from "../src/figure/scatter";
import { drawing, element, escaped, fitting, line } from "../src/figure/svg";
import { fileNameOf } from "../src/state/page/save";

const PIXEL = "data:image/png;base64,AAAA";
const cell = { href: PIXEL, width: 18, height: 12, pixelated: true, caption: "map, ±0.5" };
const bar = { href: PIXEL, end: "0.500" };
const attributesOf = (svg: string, tag: string) =>
  [...svg.matchAll(new RegExp(`<${tag} ([^>]*)>`, "g"))].map(([, text]) => Object.fromEntries([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])));

test("text is text, whatever it holds", () => {
  expect(escaped(`<b a="1">&'\u0000\ud800`)).toBe("&#60;b a=&#34;1&#34;&#62;&#38;&#39;");
  expect(line("<script>", { x: 1, y: 2.345 })).toBe('<text font-size="12" fill="#1b1d20" x="1" y="2.35">&#60;script&#62;</text>');
  expect(element("rect", { fill: '"' })).toBe('<rect fill="&#34;"/>');
  expect(fitting("a long name of a class", 60)).toBe("a long n…");
  expect(fileNameOf(["a/b", "Übung <x>", 3], "svg")).toBe("a-b-Übung-x-3.svg");
});

test("a document says its size, is white and names a generic font", () => {
  const { svg, width, height } = drawing(100.2, 50, "t", []);
  expect([width, height]).toEqual([101, 50]);
  expect(svg).toContain('viewBox="0 0 101 50"');
  expect(svg).toContain('font-family="sans-serif"');
  expect(svg).toContain('<rect width="101" height="50" fill="#ffffff"/>');
});

test("a sample's pictures keep their sides and stand beside each other, the bar with its ends last", () => {
  const { svg, width } = sampleFigure({ title: "a <b>", words: "true cat", cells: [cell, { ...cell, caption: "input" }], bar, note: "bwr" });
  const [first, second, ends] = attributesOf(svg, "image");
  expect(Number(first.width) / Number(first.height)).toBeCloseTo(18 / 12);
  expect(Number(second.x)).toBeGreaterThanOrEqual(Number(first.x) + Number(first.width));
  expect(Number(second.x) + Number(second.width)).toBeLessThan(width);
  expect(first["image-rendering"]).toBe("pixelated");
  expect(ends.href).toBe(PIXEL);
  for (const words of ["a &#60;b&#62;", "map, ±0.5", "+0.500", "−0.500", ">0<"]) expect(svg).toContain(words);
});

test("a grid has a row for each group, with its name and its own scale", () => {
  const row = (title: string, cells: number, end: string | null) => ({ title, color: "#0072b2", shape: 1, cells: Array.from({ length: cells }, () => cell), end });
  const figure = gridFigure({ title: "Class 3", words: "", rows: [row("cluster 0\n9 samples", 3, "0.2"), row("cluster 1\n4 samples", 2, "0.4")], bar: { ...bar, end: null }, note: "" });
  const places = attributesOf(figure.svg, "image").slice(0, 5);
  expect(places.map((image) => image.x)).toEqual([places[0].x, places[1].x, places[2].x, places[0].x, places[1].x]);
  expect(new Set(places.map((image) => image.y)).size).toBe(2);
  expect(Math.max(...places.map((image) => Number(image.x) + Number(image.width)))).toBeLessThan(figure.width);
  for (const words of ["cluster 1", "4 samples", "±0.2", "±0.4", "+ max"]) expect(figure.svg).toContain(words);
});

test("a grid of nothing is still a document", () => {
  expect(gridFigure({ title: "t", words: "w", rows: [], bar: null, note: "n" }).svg).toContain("</svg>");
});

const scatter = {
  title: "Class 3", words: "", width: 300, height: 200, note: "n", scale: null,
  labels: [{ text: "12", x: 10, y: 20, color: "#0072b2" }],
  legend: [{ name: "cluster 0", count: "9", color: "#0072b2", shape: 2 }],
};

test("points are shapes of their own or one picture, and the legend is text", () => {
  const points = [0, 1, 2, 3].map((shape) => ({ x: 5 * shape, y: 7, color: "rgb(1,2,3)", shape, radius: 4, opacity: 0.5 }));
  const drawn = scatterFigure({ ...scatter, points }).svg;
  expect(drawn.match(/fill="rgb\(1,2,3\)"/g)).toHaveLength(4);
  expect(attributesOf(drawn, "circle")).toHaveLength(1);
  expect(drawn).toContain("cluster 0 (9)");
  expect(drawn).toContain(">12</text>");
  const raster = scatterFigure({ ...scatter, points: { href: PIXEL }, scale: { name: "confidence", href: PIXEL, low: "0.1", high: "0.9" } }).svg;
  expect(attributesOf(raster, "image")[0]).toMatchObject({ width: "300", height: "200", href: PIXEL });
  expect(raster).toContain("confidence");
  expect(raster).not.toContain("cluster 0 (9)");
});
