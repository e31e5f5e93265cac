/** Types of the API, generated from the server's OpenAPI. */
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
export type Sample = Schemas["SampleDetail"];
export type AnalysisDetail = Schemas["AnalysisDetail"];
export type Finding = Schemas["SearchHit"];
export type FindingList = Schemas["FindingList"];
export type FindingPage = Schemas["FindingPage"];
export type Confirmation = Schemas["Confirmation"];
export type Trial = Schemas["ShownTrial"];
export type FixTable = Schemas["FixTable"];
export type FixRow = Schemas["FixRow"];
export type FixedRun = Schemas["FixedRun"];
export type FixedSample = Schemas["FixedSample"];
export type FixedSamples = Schemas["FixedSamples"];
export type ShownCommand = Schemas["ShownCommand"];
export type Estimate = Schemas["Estimate"];
export type FoundFinding = Schemas["FindingCard"];
export type FoundExample = Schemas["ExampleCard"];
export type ClassRow = Schemas["ClassRow"];
export type ColorMap = Schemas["ColorMapTable"];
export type SpectrumAxes = Schemas["SpectrumAxes"];
export type ScaleTable = Schemas["ScaleTable"];
export type ClusterSummary = Schemas["ClusterSummary"];
export type ColorMaps = Record<string, ColorMap>;
export type SelectionDraft = Schemas["SelectionDraft"];
export type StoredSelection = Schemas["StoredSelection"];
export type SelectionList = Schemas["SelectionList"];
export type ExportForm = Schemas["ExportOrder"]["form"];

export type ClassEvidence = Schemas["ClassEvidence"];
export type Clustering = Schemas["ClusteringEvidence"];
export type Cluster = Schemas["ClusterEvidence"];
export type Contrast = Schemas["ContrastTest"];
export type Difference = Schemas["DifferenceTest"];
export type Enrichment = Schemas["EnrichmentTest"];
export type Interval = [number, number];
export type Check = Schemas["Check"];
export type RelevanceSummary = Schemas["RelevanceSummary"];
export type Distribution = Schemas["Distribution"];
export type CategoryDetail = Schemas["CategoryDetail"];
