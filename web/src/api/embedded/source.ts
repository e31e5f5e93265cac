import type { Sample } from "../types";
import { quantize } from "../../scatter/points";
import { sourceOver } from "../http";
import { SourceError } from "../source";
import type { DataSource } from "../source";
import { contentsOf, scatter } from "./archive";
import type { Contents, StoredType } from "./archive";
import type { Blocks } from "./blocks";
import { found } from "./find";
import { EmbeddedPictures, missing } from "./pictures";
import { EMBEDDED_EXPORTS, fileOf, lineOf } from "./table";

const CLUSTERING = "clustering.";
const RUN_ITSELF = "Open the run instead: whyset view RUN";

/** The transport of a page that includes its data: it answers with the recorded answers of the server. */
export async function embeddedSource(blocks: Blocks): Promise<DataSource> {
  const contents = await contentsOf(blocks);
  const pictures = new Map(Object.entries(contents.pictures).map(([at, stored]) => [at, new EmbeddedPictures(stored, blocks)]));

  async function ask(path: string, init?: RequestInit): Promise<Response> {
    const [at, query] = path.split("?");
    const indices = new URLSearchParams(query).get("indices")?.split(",").map(Number) ?? [];
    if (init?.method !== undefined) throw new SourceError("This file cannot be written to.", RUN_ITSELF);
    if (path in contents.answers) return Response.json(contents.answers[path]);
    if (at in contents.arrays) return arrayAnswer(contents.arrays[at], await blocks(contents.arrays[at].block));
    if (at in contents.scattered) return scattered(at);
    if (at in contents.lists) return Response.json(listed(contents.lists[at], indices));
    const asked = pictures.get(at);
    if (asked) return asked.answer(indices);
    throw new SourceError("This file does not include these data.", RUN_ITSELF, 404);
  }

  async function scattered(at: string): Promise<Response> {
    const { block, dtype, length } = contents.scattered[at];
    return arrayAnswer({ dtype, shape: [length] }, scatter(await blocks(block), dtype, length, contents.rows));
  }

  const source = sourceOver(ask);
  return {
    ...source,
    can: { write: false, open: false, exports: EMBEDDED_EXPORTS, note: contents.note },
    async column(run, name, within) {
      const all = await source.column(run, name);
      if (!within) return all;
      const { data: rows } = await source.categoryColumn(run, within.analysis, within.category, "index");
      const data = all.data.slice(0, rows.length);
      rows.forEach((row, place) => (data[place] = all.data[row]));
      return { data, shape: [rows.length] };
    },
    async places(run, analysis, category, embedding, axes) {
      const { data, shape } = await source.categoryColumn(run, analysis, category, `embedding.${embedding}`);
      return quantize(data as Float32Array, shape[1] ?? 1, axes);
    },
    async find(run, text, { analysis, limit = 50 } = {}) {
      const samples = contents.lists[`runs/${encodeURIComponent(run)}/samples`].values as Sample[];
      const classes = analysis === undefined ? [] : (await source.analysis(run, analysis)).categories.map((row) => row.id);
      const members = await Promise.all(classes.map(async (id) => [id, await membersOf(source, run, analysis ?? "", id)] as const));
      return found(samples, text, limit, (index) => members.flatMap(([id, rows]) => (rows.has(index) ? [id] : [])));
    },
    async findRows(run, text) {
      const samples = contents.lists[`runs/${encodeURIComponent(run)}/samples`].values as Sample[];
      const { matches } = found(samples, text, samples.length, () => []);
      return matches.map(({ index }) => index).sort((a, b) => a - b);
    },
    async exported(run, analysis, category, indices, form) {
      const { classes, name } = await source.run(run);
      const [samples, clusters] = await Promise.all([source.samples(run, indices), clustersOf(source, run, analysis, category)]);
      const lines = samples.map((sample) => lineOf(sample, classes, clusters(sample.index)));
      return fileOf(lines, form, name, `${run}-${category}-${lines.length}-samples`);
    },
  };
}

function listed({ rows, values }: Contents["lists"][string], indices: readonly number[]): unknown[] {
  const places = new Map(rows.map((row, place) => [row, place]));
  return indices.map((index) => {
    const place = places.get(index);
    if (place === undefined) throw missing(index);
    return values[place];
  });
}

function arrayAnswer({ dtype, shape }: { dtype: StoredType; shape: readonly number[] }, bytes: BodyInit): Response {
  return new Response(bytes, { headers: { "X-Dtype": dtype, "X-Shape": shape.join() } });
}

async function membersOf(source: DataSource, run: string, analysis: string, category: string): Promise<Set<number>> {
  const { columns } = await source.category(run, analysis, category);
  if (!columns.some((column) => column.name === "index")) return new Set();
  return new Set((await source.categoryColumn(run, analysis, category, "index")).data);
}

/** The cluster of a sample in each clustering of the class; null for a sample of another class. */
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
