import { tick } from "svelte";

import { SourceError } from "../../api/source";
import type { DataSource } from "../../api/source";
import type { AnalysisDetail, Opening, RunDetail, RunEntry } from "../../api/types";
import { SelectionBook } from "./book.svelte";
import type { Choice } from "../class/choice";
import { ClassOrder } from "./classes.svelte";
import { Comparison } from "../compare/comparison.svelte";
import type { Host } from "./host";
import { Methods } from "../compare/methods.svelte";
import { missedBy } from "../address/missed";
import { OpenedRun } from "./opened";
import { sameClass } from "../compare/other";
import { pairPoints } from "../compare/pairing";
import type { Place } from "../address/passing";
import type { RunPictures } from "../heatmaps/pictures";
import { HOME, formatRoute, parseRoute } from "../address/route";
import type { Route } from "../address/route";
import { onward } from "../address/seen";
import type { ClassSession } from "../class/session.svelte";
import type { Stage } from "../scatter/stage.svelte";

export interface Problem {
  message: string;
  hint: string | null;
}

/** An analysis of this or another run, and its address. */
export interface Beside {
  run: RunDetail;
  analysis: AnalysisDetail;
  route: Route;
}

/** Follows the address: loads run, analysis and class in this order, and nothing twice. */
export class Viewer {
  readonly source: DataSource;
  readonly host: Host;
  runs = $state.raw<RunEntry[]>([]);
  opened = $state.raw<OpenedRun | null>(null);
  analysis = $state.raw<AnalysisDetail | null>(null);
  session = $state.raw<ClassSession | null>(null);
  /** The comparison of two classes, or null. */
  comparison = $state.raw<Comparison | null>(null);
  book = $state.raw<SelectionBook | null>(null);
  /** The analysis compared in the overview, or the one that lacks the current class; or null. */
  beside = $state.raw<Beside | null>(null);
  /** The page that is shown instead of classes, and its state as a query. */
  page = $state<string | null>(null);
  shown = $state<string | null>(null);
  /** The finding whose page is shown, and the search whose findings are shown; null: the first one. */
  finding = $state<string | null>(null);
  search = $state<string | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(true);
  /** Messages about items of the address or a file that were not found; the rest is shown. */
  told = $state.raw<readonly string[]>([]);
  /** The last action, for screen readers. */
  said = $state("");
  readonly classes = new ClassOrder();
  readonly methods: Methods;
  /** The current scatter plot, if any. */
  stage = $state.raw<Stage | null>(null);
  /** The scatter plot of the other side of a comparison. */
  otherStage = $state.raw<Stage | null>(null);
  #route: Route = HOME;
  #turn = 0;
  #kept: string | null = null;
  #toldBefore: readonly string[] = [];

  constructor(source: DataSource, host: Host) {
    this.source = source;
    this.host = host;
    this.methods = new Methods(source);
  }

  get run(): RunDetail | null {
    return this.opened?.detail ?? null;
  }

  get pictures(): RunPictures | null {
    return this.opened?.pictures ?? null;
  }

  get route(): Route {
    return this.#route;
  }

  /** Opens the route; a later call replaces an earlier one that is still waiting. `again`: after a problem. */
  async follow(route: Route, again = false): Promise<void> {
    const turn = ++this.#turn;
    const kept = again || this.#kept === formatRoute(route);
    this.#kept = null;
    this.#route = route;
    this.problem = null;
    this.told = this.#toldBefore;
    this.#toldBefore = [];
    this.loading = true;
    this.classes.restore(route);
    this.methods.restore(route);
    try {
      await this.#load(route, () => turn === this.#turn, kept);
      if (turn === this.#turn) {
        [this.page, this.shown] = [this.session ? null : route.page, route.shown];
        [this.finding, this.search] = [this.session || this.page !== null ? null : route.finding, route.search];
      }
    } catch (error) {
      if (turn === this.#turn) this.problem = explain(error);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }

  /** Goes to another run, analysis or class: one step in the history. */
  go(to: Partial<Route>): void {
    this.host.address.go(formatRoute({ ...HOME, ...to }));
  }

  /** Goes to another class of the analysis, or to the overview; a comparison continues there. */
  goToClass(category: string | null, more: Partial<Route> = {}): void {
    const [run, analysis] = [this.run?.id ?? null, this.analysis?.name ?? null];
    this.go({ run, analysis, category, ...onward(this, category), ...more });
  }

  /** The run of a class that is open on either side. */
  openedOf({ data }: ClassSession): OpenedRun | null {
    return [this.opened, this.comparison?.runs.right].find((run) => run?.detail.id === data.run.id) ?? null;
  }

  /** Starts or ends a comparison: the open class stays as it is, even if its state is too long for an address. */
  turn(to: Route): void {
    const address = formatRoute(to);
    this.#kept = address;
    this.host.address.go(address);
  }

  /** Shows a sample in the open class or else in the first of these classes. */
  showSample(index: number, categories: readonly string[]): void {
    const { session } = this;
    const [point] = session?.pointsOf([index]) ?? [];
    if (!session || point === undefined) {
      this.goToClass(categories[0], { sample: index });
      return;
    }
    if (session.visible?.[point] === 0) session.filter.clear();
    if (!session.shown.includes(point)) session.clearSelection();
    session.current = point;
    this.stage?.revealPoint(point);
    this.said = `Sample ${index} of ${session.data.detail.name} is shown.`;
  }

  /** Opens the view of a state file or a bookmark. */
  open({ told }: Opening, { address, memory }: Place): void {
    this.#toldBefore = told;
    this.host.address.go(address, memory);
  }

  /** Changes the display of the open class or of the other side of a comparison. */
  async choose(choice: Partial<Choice>, session = this.session): Promise<void> {
    try {
      await session?.choose(choice);
    } catch (error) {
      this.problem = explain(error);
    }
  }

  /** Reads the run again, which has grown; the view stays, as far as the address contains it. */
  reload(): void {
    this.runs = [];
    this.opened = null;
    this.methods.forget();
    this.#compare(null);
    void this.follow(parseRoute(this.host.address.get()));
  }

  retry(): void {
    void this.follow(parseRoute(this.host.address.get()), true);
  }

  async #load(route: Route, isLatest: () => boolean, again: boolean): Promise<void> {
    if (this.runs.length === 0) this.runs = await this.source.runs();
    const id = route.run ?? this.runs[0]?.id;
    if (id === undefined || !isLatest()) return;
    if (this.run?.id !== id || !hasAnalysis(this.run, route.analysis)) {
      const opened = new OpenedRun(this.source, await this.source.run(id));
      if (!isLatest()) return;
      this.#openRun(opened);
    }
    await this.#loadAnalysis(route, isLatest, again);
  }

  #openRun(opened: OpenedRun): void {
    const run = opened.detail;
    this.opened = opened;
    this.analysis = null;
    this.session = null;
    this.book = new SelectionBook(this.source, run.id);
    void this.book.load();
  }

  async #loadAnalysis(route: Route, isLatest: () => boolean, again: boolean): Promise<void> {
    const opened = this.opened;
    const there = this.run !== null && hasAnalysis(this.run, route.analysis);
    const name = (there ? route.analysis : null) ?? this.run?.analyses[0]?.name;
    if (!there) this.#tell(`This run has no analysis “${route.analysis}”.`);
    if (!opened || name === undefined) return;
    if (this.analysis?.name !== name || !hasClass(this.analysis, route.category)) {
      const analysis = await this.source.analysis(opened.detail.id, name);
      if (!isLatest()) return;
      this.analysis = analysis;
      this.session = null;
    }
    const known = this.analysis && hasClass(this.analysis, route.category);
    if (there && !known) this.#tell(`The analysis “${name}” has no class “${route.category}”.`);
    if (route.category === null || !there || !known) {
      const beside = await this.#orTold(this.#loadBeside(route.with));
      if (!isLatest()) return;
      this.beside = beside;
      this.session = null;
      this.#compare(null);
      return;
    }
    if (this.session?.data.detail.id !== route.category) this.session = null;
    const shown = this.session;
    const session = shown ?? (await opened.openClass(name, route.category, route));
    if (!isLatest()) return;
    await session.choose(session.choiceOf(route));
    if (!isLatest()) return;
    const { comparison = null, lacking = null } = (await this.#orTold(this.#loadOther(session, opened, route.with))) ?? {};
    if (!isLatest()) return;
    this.beside = lacking;
    const [left, same] = [shown && again, comparison !== null && comparison === this.comparison];
    if (!left) session.restore(route); // otherwise its state is kept, even if it is too long for an address
    if (!same) this.#compare(comparison);
    if (route.with && !(left && same)) comparison?.restore(route.with);
    this.session = session;
    if (!left) this.#tell(...missedBy(route, session));
    if (route.with && comparison && !same) this.#tell(...missedBy(route.with, comparison.right));
    if (lacking && !session.problem) this.#tell(lackingTold(lacking, session));
    await tick(); // new points are applied first
    if (left || !isLatest()) return;
    if (shown) this.stage?.look(route.camera);
    if (same) this.otherStage?.look(route.with?.camera ?? null);
  }

  #tell(...lines: string[]): void {
    this.told = [...this.told, ...lines];
  }

  /** Omits a comparison that is not available, with a message. */
  async #orTold<T>(beside: Promise<T>): Promise<T | null> {
    try {
      return await beside;
    } catch (error) {
      this.#tell(`The comparison is not shown: ${explain(error).message}`);
      return null;
    }
  }

  #compare(comparison: Comparison | null): void {
    this.comparison?.end();
    this.comparison = comparison;
    comparison?.begin();
  }

  async #loadBeside(route: Route | null): Promise<Beside | null> {
    if (route?.run == null || route.analysis === null) return null;
    const run = (await this.#opened(route.run)).detail;
    return { run, analysis: await this.source.analysis(run.id, route.analysis), route };
  }

  /** The class to compare with: the one of the address, or else the same class of its analysis, which may lack it. */
  async #loadOther(session: ClassSession, run: OpenedRun, route: Route | null): Promise<{ comparison?: Comparison | null; lacking?: Beside }> {
    if (route === null || route.category !== null) return { comparison: await this.#loadComparison(session, run, route) };
    const beside = await this.#loadBeside(route);
    const category = beside && !session.problem ? sameClass(beside.analysis, session.data.detail.name) : undefined;
    if (category !== undefined) return { comparison: await this.#loadComparison(session, run, { ...route, category }) };
    return beside ? { lacking: beside } : {};
  }

  /** The other side of the class according to the address; parts that are already open are kept. */
  async #loadComparison(session: ClassSession, run: OpenedRun, route: Route | null): Promise<Comparison | null> {
    if (route?.run == null || route.analysis === null || route.category === null) return null;
    const shown = this.comparison;
    if (shown && shown.left === session && isAt(shown.right, route)) {
      await shown.right.choose(shown.right.choiceOf(route));
      return shown;
    }
    const other = route.run === run.detail.id ? run : await this.#opened(route.run);
    const right = await other.openClass(route.analysis, route.category, route);
    const rows = other === run ? null : await this.source.correspondence(run.detail.id, route.run);
    const pairing = pairPoints(session.data.indices, right.data.indices, rows, other.detail.n_explanations);
    return new Comparison(session, right, { left: run, right: other }, pairing);
  }

  /** A run that is open on either side, or a newly opened one. */
  async #opened(id: string): Promise<OpenedRun> {
    const open = [this.opened, this.comparison?.runs.right].find((run) => run?.detail.id === id);
    return open ?? new OpenedRun(this.source, await this.source.run(id));
  }
}

function isAt({ data }: ClassSession, route: Route): boolean {
  return data.run.id === route.run && data.analysis === route.analysis && data.detail.id === route.category;
}

function lackingTold({ run, analysis }: Beside, { data }: ClassSession): string {
  return `The comparison is paused: the analysis “${analysis.name}” of ${run.name} has not analyzed “${data.detail.name}”. It continues with the next class that both have.`;
}

function hasAnalysis(run: RunDetail, name: string | null): boolean {
  return name === null || run.analyses.some((analysis) => analysis.name === name);
}

function hasClass(analysis: AnalysisDetail, id: string | null): boolean {
  return id === null || analysis.categories.some((category) => category.id === id);
}

export function explain(error: unknown): Problem {
  if (error instanceof SourceError) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error), hint: null };
}
