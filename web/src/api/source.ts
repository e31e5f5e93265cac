import type { Column, InputImage, RelevanceMap } from "./binary";
import type {
  AnalysisDetail,
  CategoryDetail,
  ColorMaps,
  ExportForm,
  RunDetail,
  RunEntry,
  Sample,
  SelectionDraft,
  SelectionList,
  StoredSelection,
} from "./types";

/** What a transport can do besides showing; components hide the rest. */
export interface Abilities {
  /** Keep selections and names. */
  write: boolean;
  find: boolean;
  exports: readonly ExportForm[];
  /** What a reader should know of where the data come from; null for a run that is read itself. */
  note: string | null;
}

/** Everything that the components read. The transport (HTTP, a notebook's messages, embedded data) lies behind it. */
export interface DataSource {
  readonly can: Abilities;
  runs(): Promise<RunEntry[]>;
  run(run: string): Promise<RunDetail>;
  column(run: string, column: string): Promise<Column>;
  /** For each row of the run the row of the same sample in the other run, or -1. */
  correspondence(run: string, other: string): Promise<Int32Array>;
  samples(run: string, indices: number[]): Promise<Sample[]>;
  analysis(run: string, analysis: string): Promise<AnalysisDetail>;
  category(run: string, analysis: string, category: string): Promise<CategoryDetail>;
  categoryColumn(run: string, analysis: string, category: string, column: string): Promise<Column>;
  /** One map for each index; with `size`, its longest side. */
  maps(run: string, indices: number[], size?: number): Promise<RelevanceMap[]>;
  inputs(run: string, indices: number[], size?: number): Promise<InputImage[]>;
  colorMaps(): Promise<ColorMaps>;
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
