import type { Sample } from "../types";
import type { Column, Numbers } from "../binary";
import { quantise } from "../../scatter/points";
import { sourceOver } from "../http";
import { SourceError } from "../source";
import type { DataSource } from "../source";
import { contentsOf, scatter } from "./archive";
import type { Contents, StoredType } from "./archive";
import type { Blocks } from "./blocks";
import { EmbeddedPictures, missing } from "./pictures";
import { EMBEDDED_EXPORTS, fileOf, lineOf } from "./table";

const CLUSTERING = "clustering.";

/** The transport of a page that holds its data: it answers what was recorded as the server did. */
export async function embeddedSource(blocks: Blocks): Promise<DataSource> {
  const contents = await contentsOf(blocks);
  const pictures = new Map(Object.entries(contents.pictures).map(([at, stored]) => [at, new EmbeddedPictures(stored, blocks)]));
  const places = new Map(contents.rows.map((row, place) => [row, place]));

  async function ask(path: string): Promise<Response> {
    const [at, query] = path.split("?");
    const indices = new URLSearchParams(query).get("indices")?.split(",").map(Number) ?? [];
    if (at in contents.answers) return Response.json(contents.answers[at]);
    if (at in contents.arrays) return arrayAnswer(contents.arrays[at].dtype, contents.arrays[at].shape, await blocks(contents.arrays[at].block));
    if (at in contents.scattered) return scatteredAnswer(contents, at, blocks);
    if (at in contents.lists) return Response.json(indices.map((index) => contents.lists[at][placeOf(places, index)]));
    const asked = pictures.get(at);
    if (asked) return asked.answer(indices);
    throw new SourceError("This file does not hold that.", "Open the run itself to see it: whyset view RUN", 404);
  }

  const source = sourceOver(ask);
  return {
    ...source,
    can: { write: false, find: false, open: false, exports: EMBEDDED_EXPORTS, note: contents.note },
    async column(run, name, within) {
      const whole = await source.column(run, name);
      return within ? gathered(whole, await source.categoryColumn(run, within.analysis, within.category, "index")) : whole;
    },
    async places(run, analysis, category, embedding, axes) {
      const { data, shape } = await source.categoryColumn(run, analysis, category, `embedding.${embedding}`);
      return quantise(data as Float32Array, shape[1] ?? 1, axes);
    },
    async exported(run, analysis, category, indices, form) {
      const { classes, name } = await source.run(run);
      const [samples, clusters] = await Promise.all([source.samples(run, indices), clustersOf(source, run, analysis, category)]);
      const lines = samples.map((sample) => lineOf(sample, classes, clusters(sample.index)));
      return fileOf(lines, form, name, `${run}-${category}-${lines.length}-samples`);
    },
  };
}

/** The values of a column of the run for some of its rows. */
function gathered({ data }: Column, rows: Column): Column {
  const values = new (data.constructor as new (length: number) => Numbers)(rows.data.length);
  for (let at = 0; at < values.length; at++) values[at] = data[rows.data[at]];
  return { data: values, shape: [values.length] };
}

function placeOf(places: Map<number, number>, index: number): number {
  const place = places.get(index);
  if (place === undefined) throw missing(index);
  return place;
}

async function scatteredAnswer({ scattered, rows }: Contents, at: string, blocks: Blocks): Promise<Response> {
  const { block, dtype, length } = scattered[at];
  return arrayAnswer(dtype, [length], scatter(await blocks(block), dtype, length, rows));
}

function arrayAnswer(dtype: StoredType, shape: readonly number[], bytes: BodyInit): Response {
  return new Response(bytes, { headers: { "X-Dtype": dtype, "X-Shape": shape.join() } });
}

/** The cluster of a sample by each clustering of the class; null for a sample of another class. */
async function clustersOf(source: DataSource, run: string, analysis: string, category: string) {
  const { columns } = await source.category(run, analysis, category);
  const names = columns.map((column) => column.name).filter((name) => name.startsWith(CLUSTERING));
  const load = async (name: string) => (await source.categoryColumn(run, analysis, category, name)).data;
  const [index, ...clusterings] = await Promise.all(["index", ...names].map(load));
  const places = new Map(Array.from(index, (row, place) => [row, place]));
  return (row: Sample["index"]): Record<string, number | null> => {
    const place = places.get(row);
    const entries = names.map((name, at) => [name.slice(CLUSTERING.length), place === undefined ? null : clusterings[at][place]]);
    return Object.fromEntries(entries) as Record<string, number | null>;
  };
}
