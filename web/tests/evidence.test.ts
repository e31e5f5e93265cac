import { describe, expect, test } from "vitest";

import type { ClassEvidence, ClassRow, Cluster, Sample } from "../src/api/types";
import { classScores, clusterContrasts, clusterScores, isSignificant } from "../src/state/class/evidence";
import { counted, probability, wholePercent, withP } from "../src/state/page/format";
import { SIGNIFICANT, TERMS } from "../src/state/class/terms";
import { countTargets, describeTargets, explainedClass, mergeCounts, ofPrediction } from "../src/state/class/targets";
import WRITTEN from "./numbers.json";

test("what is significant is so in the report, too", () => {
  expect(SIGNIFICANT).toBe(WRITTEN.significant);
  for (const { meaning } of [TERMS.qValue, TERMS.enrichment]) expect(meaning).toContain(`Bold: q < ${SIGNIFICANT}`);
  expect([isSignificant(SIGNIFICANT), isSignificant(SIGNIFICANT - 1e-9)]).toEqual([false, true]);
});

const CLASSES = ["cat", "dog", "horse"];
const NOTHING = { purity: null, accuracy: null, mean_confidence: null };

const cluster: Cluster = {
  id: 0,
  n_explanations: 15,
  n_samples: 15,
  composition: { purity: 0.8, accuracy: 0.9, mean_confidence: 0.7 },
  separability: 2.5,
  coherence: 0.61,
  silhouette: 0.34,
  recovery: 0.97,
  medoids: [],
  accuracy_contrast: { inside: 0.9, inside_interval: [0.7, 0.97], outside: 0.6, outside_interval: [0.5, 0.7], p_value: 0.0421 },
  confidence_contrast: { inside: 0.7, inside_interval: null, outside: 0.6, outside_interval: null, p_value: null },
  difference: { p_value: 0.0001, threshold: 4.2, significant_fraction: 0.257, channels: [] },
  enrichment: [{ attribute: "prediction", value: "2", inside: 12, n_inside: 15, outside: 3, n_outside: 40, p_value: 0.001, q_value: 0.01, odds_ratio: 49 }],
  joined: [],
  detail_coherence: 0.52,
  detail_coherence_elsewhere: 0.08,
};

const evidence = {
  n_explanations: 55,
  n_samples: 55,
  composition: NOTHING,
  separability: { value: 5, p_value: 0.04, n_surrogates: 99, null_median: 1.2, null: "copula" },
  eigengap: { value: 0.5, n_clusters: 2, is_max: false },
  graph: { n_connected_components: 1, n_isolated: 0, n_neighbors: 10, recall: 1, affinity: null },
  clusterings: { kmeans: { n_clusters: 2, selected_by: null, n_noise: 0, separability: 5, silhouette: 0.4, n_enrichment_tests: 0, clusters: [cluster], stability: { adjusted_rand: 0.93, adjusted_rand_range: [0.85, 1], n_subsamples: 20, subsample_fraction: 0.8 } } },
  prototypes: { covariance: "full", weights: [0.75, 0.25], explanations: [3, 9], outliers: [] },
} as unknown as ClassEvidence;

const words = (scores: ReturnType<typeof clusterScores>) => Object.fromEntries(scores.map(({ term, value }) => [term.name, value]));

describe("significance", () => {
  test.each([
    [0.01, true],
    [0.0499, true],
    [0.05, false],
    [0.08, false],
    [null, false],
    [undefined, false],
  ])("q = %s is significant: %s", (q, expected) => {
    expect(isSignificant(q)).toBe(expected);
  });

  test.each([
    [0.08, "0.080", false],
    [0.01, "0.010", true],
    [null, "withheld", false],
  ])("a class with p = 0.04 and q = %s shows %s", (q_value, value, significant) => {
    const scores = classScores(evidence, "kmeans", { q_value } as ClassRow);
    expect(scores.find(({ term }) => term.name === "p-value")).toMatchObject({ value: "0.040" });
    expect(scores.find(({ term }) => term.name === "q-value")).toMatchObject({ value, significant });
    expect(scores.filter((score) => score.significant)).toHaveLength(Number(significant));
  });
});

test("all evidence for a class is shown", () => {
  expect(words(classScores(evidence, "kmeans", { q_value: 0.08 } as ClassRow))).toEqual({
    Separability: "5.00",
    "p-value": "0.040",
    "q-value": "0.080",
    Eigengap: "~0.500 after 2",
    Silhouette: "0.40",
    Stability: "0.93 [0.85, 1.00]",
    "Graph components": "1",
    Prototypes: "2 with weights 0.75, 0.25",
  });
});

test("all evidence for a cluster is shown, with names for classes", () => {
  expect(words(clusterScores(cluster))).toEqual({ Separability: "2.50", Coherence: "0.61", Silhouette: "0.34", Recovery: "0.97", Purity: "0.80", Accuracy: "0.90" });
  expect(words(clusterContrasts(cluster, CLASSES))).toEqual({
    "Accuracy contrast": "0.90 [0.70, 0.97], elsewhere 0.60 [0.50, 0.70] (p = 0.042)",
    "Confidence contrast": "0.70, elsewhere 0.60 (p unknown)",
    Difference: "26 % of the features (p < 0.001)",
    Enriched: "prediction = horse: 12 of 15, elsewhere 3 of 40 (q = 0.010)",
  });
});

test("what is unknown of a cluster is left out", () => {
  const bare: Cluster = { ...cluster, composition: NOTHING, separability: null, coherence: null, silhouette: null, recovery: null, accuracy_contrast: null, confidence_contrast: null, difference: null, enrichment: [] };
  expect([...clusterScores(bare), ...clusterContrasts(bare, CLASSES)]).toEqual([]);
});

describe("the class that heatmaps explain", () => {
  test("is one class, or counts of several, the most frequent first", () => {
    const targets = Int32Array.of(2, 2, 0, 2, 1, -1);
    const groups = Int32Array.of(0, 0, 0, 0, 1, 1);
    const counts = countTargets(targets, groups);
    expect(describeTargets(counts.get(0) ?? [], CLASSES)).toBe("horse (3), cat (1)");
    expect(describeTargets(counts.get(1) ?? [], CLASSES)).toBe("unknown or no single class (1), dog (1)");
    expect(describeTargets(mergeCounts(counts.values()), CLASSES)).toBe("horse (3), unknown or no single class (1), cat (1), 1 other class (1)");
    expect(describeTargets([{ target: 2, n: 18 }], CLASSES)).toBe("horse");
    expect(describeTargets([{ target: 7, n: 1 }], CLASSES)).toBe("class 7");
    expect(describeTargets([], CLASSES)).toBe("");
  });

  test("is told apart from the prediction, whose confidence it is", () => {
    const sample = { target: 2, target_name: "horse", prediction: 0, prediction_name: "cat", confidence: 0.8 } as Sample;
    expect(explainedClass(sample)).toBe("horse");
    expect(ofPrediction("80.0 %", sample)).toBe("80.0 % cat");
    expect(ofPrediction("–", { ...sample, confidence: null })).toBe("–");
    expect(explainedClass({ ...sample, target: null, target_name: null })).toBe("unknown or no single class");
  });
});

test("numbers are written as the report writes them", () => {
  expect([probability(0.0421), probability(1e-9), probability(null)]).toEqual(["0.042", "<0.001", "–"]);
  expect([withP(0.0421), withP(1e-9), withP(null), withP(0.5, "q")]).toEqual(["p = 0.042", "p < 0.001", "p unknown", "q = 0.500"]);
  expect([0.257, 1347 / 1348, 1 / 1348, 1, 0].map(wholePercent)).toEqual(["26 %", ">99 %", "<1 %", "100 %", "0 %"]);
  expect([counted(90, 30), counted(1, 1), counted(20, 20), counted(20, null)]).toEqual(["90 explanations of 30 samples", "1 sample", "20 samples", "20 explanations"]);
});

test("no two terms have the same name, as the help lists them by name", () => {
  const names = Object.values(TERMS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
