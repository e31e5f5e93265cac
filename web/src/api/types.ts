/** What the viewer reads: generated from the server's OpenAPI, and the one part that is described nowhere else. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type RunEntry = Schemas["RunRow"];
export type RunDetail = Schemas["RunDetail"];
export type Modality = RunDetail["modality"];
export type RunProgress = Schemas["RunProgress"];
export type Match = Schemas["Match"];
export type Matches = Schemas["Matches"];
/** Names by clustering and cluster number, such as {kmeans: {"0": "sky"}}. */
export type NamesByClustering = Schemas["StoredNames"]["names"];
export type ClusterNames = Schemas["StoredNames"];
export type Opening = Schemas["Opening"];
export type Sample = Schemas["Sample"];
export type AnalysisDetail = Schemas["AnalysisDetail"];
export type Finding = Schemas["Finding"];
export type CategoryRow = Schemas["CategoryRow"];
export type ColorMap = Schemas["ColorMapTable"];
export type ScaleTable = Schemas["ScaleTable"];
export type ColorMaps = Record<string, ColorMap>;
export type SelectionDraft = Schemas["SelectionDraft"];
export type StoredSelection = Schemas["StoredSelection"];
export type SelectionList = Schemas["SelectionList"];
export type ExportForm = Schemas["ExportOrder"]["form"];

export interface Cluster {
  id: number;
  size: number;
  purity: number | null;
  accuracy: number | null;
  mean_confidence: number | null;
  separability: number | null;
  /** Mean cosine between its maps; not every analysis has it. */
  coherence?: number | null;
  medoids: number[];
}

export interface Clustering {
  k: number;
  noise: number;
  selected_by?: string;
  clusters: Cluster[];
}

export interface CategoryInfo {
  size: number;
  /** Why the class could not be analysed; all that follows may then be missing. */
  problem?: string | null;
  label?: number;
  clusterings?: Record<string, Clustering>;
  default_clustering?: string;
  default_embedding?: string;
  embeddings?: Record<string, { dimensions: number }>;
  scores?: {
    separability?: { value: number | null; p_value: number | null; surrogates?: number };
    eigengap?: { value: number | null; clusters: number | null; clear?: boolean };
  };
  treatment?: string[];
}

/** A class of an analysis; `info` is plain JSON to the server, and what an analysis writes into it stands above. */
export type CategoryDetail = Omit<Schemas["CategoryDetail"], "info"> & { info: CategoryInfo };
