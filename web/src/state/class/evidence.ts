import type { ClassEvidence, ClassRow, Cluster, Contrast, Difference, Enrichment, Interval } from "../../api/types";
import { count, eigengap, fixed, number, probability, wholePercent, withP } from "../page/format";
import { SIGNIFICANT, TERMS } from "./terms";
import type { Term } from "./terms";

/** One score in words. */
export interface Score {
  term: Term;
  value: string;
  /** Set in bold: its q-value is below `SIGNIFICANT`. */
  significant?: boolean;
}

const OF_CLASSES: readonly string[] = ["label", "prediction"];

/** Significance is a matter of q, never of p; a q-value that is withheld marks nothing. */
export function isSignificant(q: number | null | undefined): boolean {
  return q !== null && q !== undefined && q < SIGNIFICANT;
}

/** The scores of a cluster in short form for its card. A new score is one line here. */
export function clusterScores({ separability, coherence, silhouette, recovery, composition }: Cluster): Score[] {
  return known([
    [TERMS.separability, separability, number],
    [TERMS.coherence, coherence, two],
    [TERMS.silhouette, silhouette, two],
    [TERMS.recovery, recovery, two],
    [TERMS.purity, composition.purity, two],
    [TERMS.accuracy, composition.accuracy, two],
  ]);
}

/** Differences between a cluster and the rest of its class; `classes` are the class names. */
export function clusterContrasts(cluster: Cluster, classes: readonly string[]): Score[] {
  const [top] = cluster.enrichment;
  return [
    ...known<Contrast>([
      [TERMS.accuracyContrast, cluster.accuracy_contrast, describeContrast],
      [TERMS.confidenceContrast, cluster.confidence_contrast, describeContrast],
    ]),
    ...known<Difference>([[TERMS.difference, cluster.difference, describeDifference]]),
    ...(top ? [{ term: TERMS.enrichment, value: describeEnrichment(top, classes), significant: isSignificant(top.q_value) }] : []),
  ];
}

/** The evidence for a class and for one of its clusterings; `row` is its row in the ranking, which has the q-value. */
export function classScores(evidence: ClassEvidence, clustering: string, row: ClassRow | undefined): Score[] {
  const shown = evidence.clusterings[clustering];
  const { separability, prototypes, composition } = evidence;
  const q = row?.q_value;
  return [
    ...known([
      [TERMS.separability, separability.value, number],
      [TERMS.pValue, separability.p_value, probability],
    ]),
    ...(separability.p_value === null ? [] : [{ term: TERMS.qValue, value: q == null ? "withheld" : probability(q), significant: isSignificant(q) }]),
    ...known<ClassEvidence["eigengap"]>([[TERMS.eigengap, evidence.eigengap.value === null ? null : evidence.eigengap, describeEigengap]]),
    ...known([[TERMS.silhouette, shown?.silhouette, two]]),
    ...known<Stability>([[TERMS.stability, shown?.stability, describeStability]]),
    ...known([
      [TERMS.purity, composition.purity, two],
      [TERMS.accuracy, composition.accuracy, two],
      [TERMS.meanConfidence, composition.mean_confidence, two],
      [TERMS.components, evidence.graph.n_connected_components, count],
    ]),
    ...known<Prototypes>([[TERMS.prototypes, prototypes, describePrototypes]]),
  ];
}

type Stability = NonNullable<ClassEvidence["clusterings"][string]["stability"]>;
type Prototypes = NonNullable<ClassEvidence["prototypes"]>;

/** The available scores in their order. */
function known<T = number>(scores: readonly (readonly [Term, T | null | undefined, (value: T) => string])[]): Score[] {
  return scores.flatMap(([term, value, write]) => (value === null || value === undefined ? [] : [{ term, value: write(value) }]));
}

const two = (value: number) => fixed(value, 2);

function withInterval(value: number | null, interval: Interval | null): string {
  return interval === null ? fixed(value, 2) : `${fixed(value, 2)} [${interval.map(two).join(", ")}]`;
}

function describeContrast(test: Contrast): string {
  const [here, elsewhere] = [withInterval(test.inside, test.inside_interval), withInterval(test.outside, test.outside_interval)];
  return `${here}, elsewhere ${elsewhere} (${withP(test.p_value)})`;
}

function describeDifference({ significant_fraction: share, p_value: p }: Difference): string {
  return share === null ? withP(p) : `${wholePercent(share)} of the features (${withP(p)})`;
}

function describeEnrichment(test: Enrichment, classes: readonly string[]): string {
  const named = OF_CLASSES.includes(test.attribute) && /^\d+$/.test(test.value) ? classes[Number(test.value)] : undefined;
  const [here, elsewhere] = [`${count(test.inside)} of ${count(test.n_inside)}`, `${count(test.outside)} of ${count(test.n_outside)}`];
  return `${test.attribute} = ${named ?? test.value}: ${here}, elsewhere ${elsewhere} (${withP(test.q_value, "q")})`;
}

function describeEigengap({ value, n_clusters: after, is_max: isMax }: ClassEvidence["eigengap"]): string {
  return after === null ? eigengap(value, isMax) : `${eigengap(value, isMax)} after ${count(after)}`;
}

function describeStability({ adjusted_rand: mean, adjusted_rand_range: range }: Stability): string {
  return withInterval(mean, range);
}

function describePrototypes({ weights }: Prototypes): string {
  return `${count(weights.length)} with weights ${weights.map(two).join(", ")}`;
}
