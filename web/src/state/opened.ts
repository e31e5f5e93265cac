import type { Column } from "../api/binary";
import type { DataSource } from "../api/source";
import type { RunDetail } from "../api/types";
import { RunPictures } from "./pictures";
import { ClassSession } from "./session.svelte";
import type { Choice } from "./session.svelte";

/** The samples of a class that was not analysed and does not even list them. */
const NO_INDEX: Column = { data: new Int32Array(0), shape: [0] };

/** A run that is open: its columns and pictures, and what opens its classes; nothing is loaded twice. */
export class OpenedRun {
  readonly source: DataSource;
  readonly detail: RunDetail;
  readonly pictures: RunPictures;
  #columns = new Map<string, Promise<Column>>();

  constructor(source: DataSource, detail: RunDetail) {
    this.source = source;
    this.detail = detail;
    this.pictures = new RunPictures(source, detail.id, detail.map_shape, detail.input_shape);
  }

  async openClass(analysis: string, category: string, choice: Partial<Choice>): Promise<ClassSession> {
    const { source, detail: run } = this;
    const detail = await source.category(run.id, analysis, category);
    const listed = !detail.info.problem || detail.columns.some((column) => column.name === "index");
    const [index, label, prediction, confidence] = await Promise.all([
      listed ? source.categoryColumn(run.id, analysis, category, "index") : NO_INDEX,
      this.column("label"),
      this.column("prediction"),
      this.column("confidence"),
    ]);
    const indices = index.data as Int32Array;
    const ofClass = (column: Column) => {
      const values = column.data instanceof Float32Array ? new Float32Array(indices.length) : new Int32Array(indices.length);
      return values.map((_: number, point: number) => column.data[indices[point]]);
    };
    const data = { source, run, analysis, detail, indices };
    return ClassSession.open(
      { ...data, labels: ofClass(label), predictions: ofClass(prediction), confidence: ofClass(confidence) },
      choice,
    );
  }

  column(name: string): Promise<Column> {
    const known = this.#columns.get(name);
    if (known) return known;
    const column = this.source.column(this.detail.id, name);
    this.#columns.set(name, column);
    column.catch(() => this.#columns.delete(name));
    return column;
  }
}
