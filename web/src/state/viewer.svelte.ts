import { tick } from "svelte";

import type { Column } from "../api/binary";
import { SourceError } from "../api/source";
import type { DataSource } from "../api/source";
import type { AnalysisDetail, RunDetail, RunEntry } from "../api/types";
import { SelectionBook } from "./book.svelte";
import { ClassOrder } from "./classes.svelte";
import type { Host } from "./host";
import { RunPictures } from "./pictures";
import { HOME, formatRoute, parseRoute } from "./route";
import type { Route } from "./route";
import { ClassSession } from "./session.svelte";
import type { Choice } from "./session.svelte";
import type { Stage } from "./stage.svelte";

export interface Problem {
  message: string;
  hint: string | null;
}

/** The samples of a class that was not analysed and does not even list them. */
const NO_INDEX: Column = { data: new Int32Array(0), shape: [0] };

/** Follows the address: what it names is loaded, in the order run, analysis, class, and nothing is loaded twice. */
export class Viewer {
  readonly source: DataSource;
  readonly host: Host;
  runs = $state.raw<RunEntry[]>([]);
  run = $state.raw<RunDetail | null>(null);
  analysis = $state.raw<AnalysisDetail | null>(null);
  session = $state.raw<ClassSession | null>(null);
  pictures = $state.raw<RunPictures | null>(null);
  book = $state.raw<SelectionBook | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(true);
  readonly classes = new ClassOrder();
  /** The scatter on the screen, if there is one. */
  stage = $state.raw<Stage | null>(null);
  #route: Route = HOME;
  #turn = 0;
  #columns = new Map<string, Promise<Column>>();

  constructor(source: DataSource, host: Host) {
    this.source = source;
    this.host = host;
  }

  get route(): Route {
    return this.#route;
  }

  /** Opens what the address names; a later call overtakes an earlier one that still waits. `again`: after a problem. */
  async follow(route: Route, again = false): Promise<void> {
    const turn = ++this.#turn;
    this.#route = route;
    this.problem = null;
    this.loading = true;
    this.classes.restore(route);
    try {
      await this.#load(route, () => turn === this.#turn, again);
    } catch (error) {
      if (turn === this.#turn) this.problem = explain(error);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }

  /** To another run, analysis or class: one step in the history. */
  go(to: Partial<Route>): void {
    this.host.address.go(formatRoute({ ...HOME, ...to }));
  }

  async choose(choice: Partial<Choice>): Promise<void> {
    try {
      await this.session?.choose(choice);
    } catch (error) {
      this.problem = explain(error);
    }
  }

  retry(): void {
    void this.follow(parseRoute(this.host.address.get()), true);
  }

  async #load(route: Route, isLatest: () => boolean, again: boolean): Promise<void> {
    if (this.runs.length === 0) this.runs = await this.source.runs();
    const id = route.run ?? this.runs[0]?.id;
    if (id === undefined || !isLatest()) return;
    if (this.run?.id !== id) {
      const run = await this.source.run(id);
      if (!isLatest()) return;
      this.#openRun(run);
    }
    await this.#loadAnalysis(route, isLatest, again);
  }

  #openRun(run: RunDetail): void {
    this.run = run;
    this.analysis = null;
    this.session = null;
    this.#columns.clear();
    this.pictures = new RunPictures(this.source, run.id, run.map_shape, run.input_shape);
    this.book = new SelectionBook(this.source, run.id);
    void this.book.load();
  }

  async #loadAnalysis(route: Route, isLatest: () => boolean, again: boolean): Promise<void> {
    const run = this.run;
    const name = route.analysis ?? run?.analyses[0]?.name;
    if (!run || name === undefined) return;
    if (this.analysis?.name !== name) {
      const analysis = await this.source.analysis(run.id, name);
      if (!isLatest()) return;
      this.analysis = analysis;
      this.session = null;
    }
    if (route.category === null) {
      this.session = null;
      return;
    }
    if (this.session?.data.detail.id !== route.category) this.session = null;
    const shown = this.session;
    const session = shown ?? (await this.#openClass(run, name, route));
    if (!isLatest()) return;
    await session.choose({ ...given("clustering", route.clustering), ...given("embedding", route.embedding) });
    if (!isLatest()) return;
    if (shown && again) return; // it is as it was left, also where that is too much for an address
    session.restore(route);
    this.session = session;
    await tick(); // new points come first
    if (shown && isLatest()) this.stage?.look(route.camera);
  }

  async #openClass(run: RunDetail, analysis: string, route: Route): Promise<ClassSession> {
    const category = route.category ?? "";
    const detail = await this.source.category(run.id, analysis, category);
    const listed = !detail.info.problem || detail.columns.some((column) => column.name === "index");
    const [index, label, prediction, confidence] = await Promise.all([
      listed ? this.source.categoryColumn(run.id, analysis, category, "index") : NO_INDEX,
      this.#column(run.id, "label"),
      this.#column(run.id, "prediction"),
      this.#column(run.id, "confidence"),
    ]);
    const indices = index.data as Int32Array;
    const ofClass = (column: Column) => {
      const values = column.data instanceof Float32Array ? new Float32Array(indices.length) : new Int32Array(indices.length);
      return values.map((_: number, point: number) => column.data[indices[point]]);
    };
    const data = { source: this.source, run, analysis, detail, indices };
    return ClassSession.open(
      { ...data, labels: ofClass(label), predictions: ofClass(prediction), confidence: ofClass(confidence) },
      { ...given("clustering", route.clustering), ...given("embedding", route.embedding) },
    );
  }

  #column(run: string, name: string): Promise<Column> {
    const known = this.#columns.get(name);
    if (known) return known;
    const column = this.source.column(run, name);
    this.#columns.set(name, column);
    column.catch(() => this.#columns.delete(name));
    return column;
  }
}

export function explain(error: unknown): Problem {
  if (error instanceof SourceError) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error), hint: null };
}

function given<K extends string>(key: K, value: string | null): { [P in K]?: string } {
  return value === null ? {} : ({ [key]: value } as { [P in K]?: string });
}
