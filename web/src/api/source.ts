import type { Column, InputImage, RelevanceMap, SeriesValues } from "./binary";
import type {
  AnalysisDetail,
  CategoryDetail,
  ClusterNames,
  ColorMap,
  ColorMaps,
  ExportForm,
  Matches,
  NamesByClustering,
  Opening,
  RunDetail,
  RunEntry,
  RunProgress,
  Sample,
  ScaleTable,
  SelectionDraft,
  SelectionList,
  StoredSelection,
} from "./types";

/** What a transport can do besides showing; components hide the rest. */
export interface Abilities {
  /** Keep selections and names. */
  write: boolean;
  /** Open state files and bookmarks. */
  open: boolean;
  exports: readonly ExportForm[];
  /** What a reader should know of where the data come from; null for a run that is read itself. */
  note: string | null;
}

/** Everything that the components read. The transport (HTTP, a notebook's messages, embedded data) lies behind it. */
export interface DataSource {
  readonly can: Abilities;
  /** What the page was asked to show first, or null. */
  opening(): Promise<Opening | null>;
  /** What a state file or a ViRelAy bookmark shows of the runs here; a SourceError says why it shows nothing. */
  openDocument(document: unknown): Promise<Opening>;
  runs(): Promise<RunEntry[]>;
  run(run: string): Promise<RunDetail>;
  /** How far the run is by now; cheap enough to be asked every few seconds. */
  progress(run: string): Promise<RunProgress>;
  /** One value for each sample of the run, or of a category in its order. */
  column(run: string, column: string, within?: { analysis: string; category: string }): Promise<Column>;
  /** For each row of the run the row of the same sample in the other run, or -1. */
  correspondence(run: string, other: string): Promise<Int32Array>;
  samples(run: string, indices: number[]): Promise<Sample[]>;
  /** Samples by id, number, text or class name; with `analysis`, its categories in which each lies. */
  find(run: string, text: string, options?: { analysis?: string; limit?: number }): Promise<Matches>;
  /** The index of every sample that `find` finds, rising. */
  findRows(run: string, text: string): Promise<number[]>;
  analysis(run: string, analysis: string): Promise<AnalysisDetail>;
  category(run: string, analysis: string, category: string): Promise<CategoryDetail>;
  categoryColumn(run: string, analysis: string, category: string, column: string): Promise<Column>;
  /** Two axes of an embedding as `quantize` gives them: x0, y0, x1, y1, ... between 0 and STEPS, or MISSING. */
  places(run: string, analysis: string, category: string, embedding: string, axes: readonly [number, number]): Promise<Uint16Array>;
  /** One map for each index; with `size`, its longest side. */
  maps(run: string, indices: number[], size?: number): Promise<RelevanceMap[]>;
  inputs(run: string, indices: number[], size?: number): Promise<InputImage[]>;
  /** The inputs of a run of series or tables; series longer than `size` keep their extremes. */
  values(run: string, indices: number[], size?: number): Promise<SeriesValues[]>;
  /** The words of texts, in order. */
  tokens(run: string, indices: number[]): Promise<string[][]>;
  /** The map of one sample as it is stored, channels of images summed: float32, in full size. */
  relevance(run: string, index: number): Promise<Column>;
  /** What full color stands for where maps of a class are compared. */
  scales(run: string, analysis: string, category: string, clustering: string): Promise<ScaleTable>;
  colorMaps(): Promise<ColorMaps>;
  /** A color map in Zennit's language; a SourceError with status 422 tells what is wrong with it. */
  colorMap(definition: string): Promise<ColorMap>;
  clusterNames(run: string, analysis: string, category: string): Promise<ClusterNames>;
  /** Replaces all names of the category; as with selections, status 412 tells that `revision` is not the last. */
  nameClusters(
    run: string,
    analysis: string,
    category: string,
    names: NamesByClustering,
    revision: number,
  ): Promise<ClusterNames>;
  selections(run: string): Promise<SelectionList>;
  addSelection(run: string, draft: SelectionDraft): Promise<StoredSelection>;
  /** `revision` is the one that the change is based on; a SourceError with status 412 tells that it is not the last. */
  changeSelection(run: string, id: string, revision: number, draft: SelectionDraft): Promise<StoredSelection>;
  deleteSelection(run: string, id: string, revision: number): Promise<void>;
  /** The samples as a file for other programs. */
  exported(run: string, analysis: string, category: string, indices: number[], form: ExportForm): Promise<File>;
}

/** The most indices that one request may ask for. */
export const SAMPLES_PER_REQUEST = 1000;
export const PICTURES_PER_REQUEST = 256;

/** The status of a change that rests on a revision which is not the last. */
export const CHANGED_MEANWHILE = 412;

/** What went wrong, and what the reader can do about it. */
export class SourceError extends Error {
  readonly hint: string | null;
  readonly status: number | null;

  constructor(message: string, hint: string | null = null, status: number | null = null) {
    super(message);
    this.name = "SourceError";
    this.hint = hint;
    this.status = status;
  }
}
