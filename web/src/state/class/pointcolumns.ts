import type { Numbers } from "../../api/binary";
import type { CategoryDetail, RunDetail } from "../../api/types";
import { codingOf } from "./coding";
import type { Coding, ColumnKind } from "./coding";
import type { ClassColumns } from "./columns";

/** One value for each point of the class, and its meaning. */
export interface PointColumn {
  id: string;
  title: string;
  values: Numbers;
  kind: ColumnKind;
  nameOf: (code: number) => string;
  /** Name of points without a category. */
  none: string;
}

/** A column that can be chosen as a color. */
export interface ColumnChoice {
  id: string;
  title: string;
}

/** The current clustering. */
export const CLUSTER = "cluster";
const CORRECTNESS = "correctness";
const CLUSTERING = "clustering.";
/** Columns whose codes are classes of the run. */
const OF_CLASSES: ReadonlySet<string> = new Set(["label", "prediction", "target"]);
const FIRST: readonly ColumnChoice[] = [
  { id: CLUSTER, title: "cluster" },
  { id: "label", title: "true label" },
  { id: "prediction", title: "prediction" },
  { id: CORRECTNESS, title: "correctness" },
  { id: "confidence", title: "confidence" },
];

/** Columns of the run with a name from the glossary. */
const TITLES: Readonly<Record<string, string>> = {
  target: "explained class",
  relevance_arrived: "relevance arrived",
  relevance_max: "largest relevance",
};

function titleOf(name: string): string {
  return TITLES[name] ?? name.replace(".", " ");
}

/** Every column with one value per row: the common ones, then those of the class and of the run. */
export function columnChoices(run: RunDetail, detail: CategoryDetail): ColumnChoice[] {
  const size = detail.evidence.n_explanations;
  const ofClass = detail.columns.filter(({ name, shape }) => shape.length === 1 && shape[0] === size && isPerSample(name));
  const names = [...ofClass, ...run.columns].map(({ name }) => name);
  const further = new Set(names.filter((name) => !FIRST.some(({ id }) => id === name)));
  return [...FIRST, ...Array.from(further, (name) => ({ id: name, title: titleOf(name) }))];
}

/** Eigenvalues are not per row, even if their number is the number of rows. */
function isPerSample(name: string): boolean {
  return name !== "index" && !name.startsWith("eigenvalues");
}

export function clusteringColumn(clustering: string): string {
  return CLUSTERING + clustering;
}

/** The clustering of a column, or null. */
export function clusteringOf(id: string): string | null {
  return id.startsWith(CLUSTERING) ? id.slice(CLUSTERING.length) : null;
}

/** The columns that must be loaded for a chosen column. */
export function neededFor(id: string, clustering: string): string[] {
  if (id === CLUSTER) return [clusteringColumn(clustering)];
  return id === CORRECTNESS ? ["prediction", "label"] : [id];
}

/** Columns for coloring and filtering points, created once from the loaded ones, and their codings. */
export class PointColumns {
  readonly #run: RunDetail;
  readonly #loaded: ClassColumns;
  readonly #columns = new Map<string, PointColumn>();
  readonly #codings = new Map<string, Coding>();

  constructor(run: RunDetail, loaded: ClassColumns) {
    this.#run = run;
    this.#loaded = loaded;
  }

  /** Undefined if a required column is not loaded. */
  get(id: string): PointColumn | undefined {
    const column = this.#columns.get(id) ?? this.#made(id);
    if (column) this.#columns.set(id, column);
    return column;
  }

  coding(column: PointColumn): Coding {
    const coding = this.#codings.get(column.id) ?? codingOf(column);
    this.#codings.set(column.id, coding);
    return coding;
  }

  #made(id: string): PointColumn | undefined {
    const [prediction, label] = [this.#loaded.numbers("prediction"), this.#loaded.numbers("label")];
    if (id === CORRECTNESS) return prediction && label && verdicts(correctness(prediction, label));
    const values = this.#loaded.numbers(id);
    if (!values) return undefined;
    const title = FIRST.find((choice) => choice.id === id)?.title ?? titleOf(id);
    if (clusteringOf(id) !== null) return { id, title, values, kind: "clusters", nameOf: (code) => `cluster ${code}`, none: "noise" };
    const texts = OF_CLASSES.has(id) ? this.#run.classes : this.#texts(id);
    return described(id, title, values, texts);
  }

  #texts(name: string): readonly string[] | null {
    return this.#run.columns.find((column) => column.name === name)?.values ?? null;
  }
}

/** Texts are sent as codes; integers that are only 0 and 1 are shown as no and yes. */
export function described(id: string, title: string, values: Numbers, texts: readonly string[] | null): PointColumn {
  const common = { id, title, values, none: "unknown" };
  if (texts) return { ...common, kind: "ranked", nameOf: (code) => texts[code] ?? String(code) };
  if (isYesOrNo(values)) return { ...common, kind: "codes", nameOf: (code) => ["no (0)", "yes (1)"][code] };
  return { ...common, kind: "numbers", nameOf: String };
}

function isYesOrNo(values: Numbers): boolean {
  if (values instanceof Float32Array) return false;
  for (let point = 0; point < values.length; point++) if (values[point] !== 0 && values[point] !== 1) return false;
  return true;
}

function verdicts(values: Int32Array): PointColumn {
  const nameOf = (code: number) => ["correct", "wrong"][code];
  return { id: CORRECTNESS, title: CORRECTNESS, values, kind: "codes", nameOf, none: "unknown" };
}

/** 0 correct, 1 wrong, -1 if label or prediction is unknown. */
export function correctness(predictions: Numbers, labels: Numbers): Int32Array {
  const values = new Int32Array(predictions.length);
  for (let point = 0; point < values.length; point++) {
    const known = predictions[point] >= 0 && labels[point] >= 0;
    values[point] = !known ? -1 : predictions[point] === labels[point] ? 0 : 1;
  }
  return values;
}
