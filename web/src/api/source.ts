import type { Column, InputImage, InputVolume, RelevanceMap, RelevanceVolume, SeriesValues } from "./binary";
import type {
  AnalysisDetail,
  CategoryDetail,
  ClusterNames,
  ClusterSummary,
  ColorMap,
  ColorMaps,
  ExportForm,
  FindingList,
  FindingPage,
  FixedSamples,
  Matches,
  MethodDifferences,
  MethodTable,
  NamesByClustering,
  Opening,
  RunDetail,
  RunEntry,
  RunProgress,
  Sample,
  ScaleTable,
  SpectrumAxes,
  SelectionDraft,
  SelectionList,
  StoredSelection,
  Timeline,
} from "./types";

/** Optional abilities of a transport; components hide the others. */
export interface Abilities {
  /** Save selections and names. */
  write: boolean;
  /** Open state files and bookmarks. */
  open: boolean;
  exports: readonly ExportForm[];
  /** Note about the origin of the data; null for a run that is read directly. */
  note: string | null;
}

/** All data that the components read, independent of the transport (HTTP, a notebook's messages, embedded data). */
export interface DataSource {
  readonly can: Abilities;
  /** The initial view requested at the start of the viewer, or null. */
  opening(): Promise<Opening | null>;
  /** Resolves a state file or a ViRelAy bookmark among the open runs; SourceError if that is not possible. */
  openDocument(document: unknown): Promise<Opening>;
  runs(): Promise<RunEntry[]>;
  run(run: string): Promise<RunDetail>;
  /** Progress of the run; cheap enough for polling. */
  progress(run: string): Promise<RunProgress>;
  /** One value for each row of the run, or of a category in its order. */
  column(run: string, column: string, within?: { analysis: string; category: string }): Promise<Column>;
  /** For each row of the run, the row of the same sample in the other run, or -1. */
  correspondence(run: string, other: string): Promise<Int32Array>;
  samples(run: string, indices: number[]): Promise<Sample[]>;
  /** Finds samples by id, number, text or class name; with `analysis`, also its categories that contain each sample. */
  find(run: string, text: string, options?: { analysis?: string; limit?: number }): Promise<Matches>;
  /** The indices of all samples that `find` finds, rising. */
  findRows(run: string, text: string): Promise<number[]>;
  analysis(run: string, analysis: string): Promise<AnalysisDetail>;
  /** The findings of a search of a run, the suspicions first. */
  findings(run: string, search?: string): Promise<FindingList>;
  /** Everything about one finding. */
  finding(run: string, finding: string, search?: string): Promise<FindingPage>;
  /** Samples before and after a fix, whose model another run explains. */
  fixedSamples(run: string, finding: string, options: FixedQuery): Promise<FixedSamples>;
  /**
   * The changed hosts of examples of findings, by their places; of volumes three slices each, of the sample, of the host
   * and of the changed host.
   */
  examples(run: string, places: number[], search?: string): Promise<InputImage[]>;
  /** The changed hosts of examples that are series. */
  changedValues(run: string, places: number[], size?: number, search?: string): Promise<SeriesValues[]>;
  /** Metrics of this and other open runs, all of them or those given; `evaluation` is the name of the stored one. */
  methods(run: string, options: MethodQuery): Promise<MethodTable>;
  /** The differences of two runs by a metric, sample by sample. */
  differences(run: string, options: MethodQuery & { other: string; metric: string }): Promise<MethodDifferences>;
  /** The findings of a watched training, of which the run is an epoch. */
  timeline(run: string): Promise<Timeline>;
  category(run: string, analysis: string, category: string): Promise<CategoryDetail>;
  categoryColumn(run: string, analysis: string, category: string, column: string): Promise<Column>;
  /** Two axes of an embedding as returned by `quantize`: x0, y0, x1, y1, ... between 0 and STEPS, or MISSING. */
  places(run: string, analysis: string, category: string, embedding: string, axes: readonly [number, number]): Promise<Uint16Array>;
  /** One relevance map for each index; `size` is the length of its longest side. */
  maps(run: string, indices: number[], size?: number): Promise<RelevanceMap[]>;
  inputs(run: string, indices: number[], size?: number): Promise<InputImage[]>;
  /** Whole relevance maps of volumes, of which `maps` has one slice each; `inputs` are cut alike. */
  volumes(run: string, indices: number[], size?: number): Promise<RelevanceVolume[]>;
  inputVolumes(run: string, indices: number[], size?: number): Promise<InputVolume[]>;
  /** The inputs of a run of series or tables; series longer than `size` keep their extremes. */
  values(run: string, indices: number[], size?: number): Promise<SeriesValues[]>;
  /** The address of the stored series of a sample as a sound; only of sources with a server. */
  sound?(run: string, index: number): string;
  /** Stored relevance by frequency of one sample, float32 (C, frequencies) or (C, frequencies, frames); not of files. */
  spectrum?(run: string, name: SpectrumAxes["name"], index: number): Promise<Column>;
  /** The words of texts, in order. */
  tokens(run: string, indices: number[]): Promise<string[][]>;
  /** The stored relevance map of one sample, channels of images summed: float32, in full size. */
  relevance(run: string, index: number): Promise<Column>;
  /** The relevance of full color when heatmaps of a class are compared. */
  scales(run: string, analysis: string, category: string, clustering: string): Promise<ScaleTable>;
  /** Top words, columns or channels of clusters, and those that differ mainly in place. */
  summaries(run: string, analysis: string, category: string, clustering: string): Promise<ClusterSummary[]>;
  colorMaps(): Promise<ColorMaps>;
  /** A color map in Zennit's language; SourceError with status 422 if it is invalid. */
  colorMap(definition: string): Promise<ColorMap>;
  clusterNames(run: string, analysis: string, category: string): Promise<ClusterNames>;
  /** Replaces all names of the category; SourceError with status 412 if `revision` is not the latest one. */
  nameClusters(
    run: string,
    analysis: string,
    category: string,
    names: NamesByClustering,
    revision: number,
  ): Promise<ClusterNames>;
  selections(run: string): Promise<SelectionList>;
  addSelection(run: string, draft: SelectionDraft): Promise<StoredSelection>;
  /** `revision` is the one on which the change is based; SourceError with status 412 if it is not the latest one. */
  changeSelection(run: string, id: string, revision: number, draft: SelectionDraft): Promise<StoredSelection>;
  deleteSelection(run: string, id: string, revision: number): Promise<void>;
  /** The samples as a file for other programs. */
  exported(run: string, analysis: string, category: string, indices: number[], form: ExportForm): Promise<File>;
}

/** The runs whose methods are compared, ids separated by commas. */
export type MethodQuery = { evaluation?: string | undefined; runs?: string | undefined };
/** A part of the samples before and after a fix. */
export type FixedQuery = { other: string; search?: string | undefined; changed?: 0 | 1; offset?: number; limit?: number };

/** Maximum number of indices of one request. */
export const SAMPLES_PER_REQUEST = 1000;
export const PICTURES_PER_REQUEST = 256;

/** Status of a change based on a revision that is not the latest one. */
export const CHANGED_MEANWHILE = 412;

/** An error message and a hint what to do. */
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
