import type { Column, InputImage, RelevanceMap } from "./binary";
import type { AnalysisDetail, CategoryDetail, ColorMaps, RunDetail, RunEntry, Sample } from "./types";

/** Everything that the components read. The transport (HTTP, a notebook's messages, embedded data) lies behind it. */
export interface DataSource {
  runs(): Promise<RunEntry[]>;
  run(run: string): Promise<RunDetail>;
  column(run: string, column: string): Promise<Column>;
  samples(run: string, indices: number[]): Promise<Sample[]>;
  analysis(run: string, analysis: string): Promise<AnalysisDetail>;
  category(run: string, analysis: string, category: string): Promise<CategoryDetail>;
  categoryColumn(run: string, analysis: string, category: string, column: string): Promise<Column>;
  /** One map for each index; with `size`, its longest side. */
  maps(run: string, indices: number[], size?: number): Promise<RelevanceMap[]>;
  inputs(run: string, indices: number[], size?: number): Promise<InputImage[]>;
  colorMaps(): Promise<ColorMaps>;
}

/** The most indices that one request may ask for. */
export const SAMPLES_PER_REQUEST = 1000;
export const PICTURES_PER_REQUEST = 256;

/** What went wrong, and what the reader can do about it. */
export class SourceError extends Error {
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.name = "SourceError";
    this.hint = hint;
  }
}
