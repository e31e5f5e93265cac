import type { CategoryDetail, RunDetail } from "../../api/types";
import { parseBrushes, parseHidings } from "./filter";
import type { FilterState } from "./filter";
import { CLUSTER, columnChoices, neededFor } from "./pointcolumns";
import type { Route } from "../address/route";

export const [MEAN, ABSOLUTE_MEAN] = ["mean_map", "mean_abs_map"];
/** The column of the run with the class that each heatmap explains. */
export const TARGET = "target";

/** Typical means a high silhouette: close to its own cluster and far from the next. */
const SAMPLE_ORDERS = ["as in the run", "most typical", "least typical", "least confident", "color, lowest first", "color, highest first"] as const;
export type SampleOrder = (typeof SAMPLE_ORDERS)[number];

/** Chosen display of a class; each choice may need columns that are not loaded yet. */
export interface Choice {
  clustering: string;
  embedding: string;
  axes: readonly [number, number];
  /** The id of a column. */
  colorBy: string;
  order: SampleOrder;
}

/** A choice, and optionally new filters. */
export type Wanted = Choice & { filter?: FilterState };

const FIRST = { axes: [0, 1], colorBy: CLUSTER, order: "as in the run" } as const;

/** The initial choice of a class. */
export function firstChoice({ evidence }: CategoryDetail): Choice {
  return {
    clustering: known(evidence.clusterings, evidence.default_clustering) ?? "",
    embedding: known(evidence.embeddings, evidence.default_embedding) ?? "",
    ...FIRST,
  };
}

/** The valid choices of an address; clustering and embedding stay if it names none. */
export function choiceOf(route: Route, run: RunDetail, detail: CategoryDetail, before: Choice): Wanted {
  const choices = new Set(columnChoices(run, detail).map(({ id }) => id));
  const conditions = <T extends { column: string }>(all: T[]) => all.filter(({ column }) => choices.has(column));
  const clustering = known(detail.evidence.clusterings, route.clustering ?? undefined) ?? before.clustering;
  const embedding = known(detail.evidence.embeddings, route.embedding ?? undefined) ?? before.embedding;
  const dimensions = dimensionsOf(detail, embedding);
  return {
    clustering,
    embedding,
    axes: route.axes?.every((axis) => axis < dimensions) ? route.axes : FIRST.axes,
    colorBy: route.color !== null && choices.has(route.color) ? route.color : FIRST.colorBy,
    order: sampleOrders(detail, clustering).find((name) => name === route.order) ?? FIRST.order,
    filter: { hidings: conditions(parseHidings(route.hide)), brushes: conditions(parseBrushes(route.brush)) },
  };
}

/** The choice with changes: another embedding is shown along its first axes, and unavailable orders are reset. */
export function changedChoice(before: Choice, change: Partial<Choice>, detail: CategoryDetail): Choice {
  const axes = change.embedding === undefined || change.embedding === before.embedding ? before.axes : FIRST.axes;
  const choice = { ...before, axes, ...change };
  return sampleOrders(detail, choice.clustering).includes(choice.order) ? choice : { ...choice, order: FIRST.order };
}

/** Names of the columns that must be loaded before the choice can be shown. */
export function columnsFor({ clustering, colorBy, order }: Choice, filter: FilterState | undefined): string[] {
  const sorting = order.includes("typical") ? [`silhouette.${clustering}`] : order === "least confident" ? ["confidence"] : [];
  const filtering = [...(filter?.hidings ?? []), ...(filter?.brushes ?? [])].map(({ column }) => column);
  const ofPoints = [CLUSTER, colorBy, ...filtering].flatMap((id) => neededFor(id, clustering));
  return [...new Set([TARGET, "eigenvalues", `${MEAN}.${clustering}`, `${ABSOLUTE_MEAN}.${clustering}`, ...ofPoints, ...sorting])];
}

/** Orders for which the class has columns. */
export function sampleOrders({ columns }: CategoryDetail, clustering: string): SampleOrder[] {
  const silhouette = columns.some(({ name }) => name === `silhouette.${clustering}`);
  return SAMPLE_ORDERS.filter((order) => silhouette || !order.includes("typical"));
}

export function dimensionsOf({ columns }: CategoryDetail, embedding: string): number {
  return columns.find(({ name }) => name === `embedding.${embedding}`)?.shape[1] ?? 1;
}

function known<T>(table: Record<string, T>, name: string | null | undefined): string | undefined {
  return name != null && Object.hasOwn(table, name) ? name : undefined;
}
