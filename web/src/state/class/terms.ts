/** Meaning of the ~ before an eigengap. */
export const UNCLEAR = "not the largest gap: the class may have one strategy";

/** q-values below this are significant; the report has the same number. */
export const SIGNIFICANT = 0.05;

/** A term with its definition. */
export interface Term {
  name: string;
  meaning: string;
}

/** The terms of the viewer and their definitions. */
export const TERMS = {
  detailContrast: {
    name: "Contrast",
    meaning:
      "How much more the relevance maps of one cluster agree in their details than those of the rest of its class: the mean agreement inside minus that outside (1 is the largest), for the cluster with the largest difference. A mark in the same place of many images has a large contrast; natural poses differ in details. Classes without a confirmed effect are ranked by it.",
  },
  separability: {
    name: "Separability",
    meaning:
      "The distance between the clusters of a class compared with their width: Fisher's discriminant on the spectral embedding. Of one cluster: the distance between it and the rest of its class.",
  },
  pValue: {
    name: "p-value",
    meaning:
      "The share of surrogate graphs of one group that fall apart at least as much as the neighbor graph of the class. It is not corrected for the numbers of views and classes: q is.",
  },
  qValue: {
    name: "q-value",
    meaning:
      `The p-value corrected for the number of views of the class (Holm 1979) and for the number of classes (Benjamini and Hochberg 1995): the expected share of false discoveries among all classes with a q this small. Bold: q < ${SIGNIFICANT}. It is withheld until all classes are analyzed.`,
  },
  view: {
    name: "View",
    meaning:
      "The view by which the class is ranked: the one in which its contrast is most unusual among all classes. The numbers are those of this view.",
  },
  eigengap: {
    name: "Eigengap",
    meaning:
      "The largest step between neighboring eigenvalues of the neighbor graph; the number of eigenvalues before it is the suggested number of clusters. ~ marks a gap that is not the largest: such a class looks like one group.",
  },
  silhouette: {
    name: "Silhouette",
    meaning: "The mean silhouette coefficient: near 1, explanations are close to their own cluster and far from the next; at 0 or below, clusters overlap.",
  },
  stability: {
    name: "Stability",
    meaning: "The mean adjusted Rand index between this clustering and clusterings of random subsamples: 1 the same clusters, 0 chance. In brackets: the 5 % and 95 % quantiles.",
  },
  recovery: {
    name: "Recovery",
    meaning: "The mean Jaccard index between this cluster and the most similar cluster of random subsamples: 1 if it is always found again, below about 0.5 if it is unstable.",
  },
  accuracyContrast: {
    name: "Accuracy contrast",
    meaning: "Accuracy in this cluster and in the rest of its class, with 95 % intervals and a two-sided test. The p-value is not corrected for the number of clusters.",
  },
  confidenceContrast: {
    name: "Confidence contrast",
    meaning: "Mean confidence in this cluster and in the rest of its class, with 95 % intervals and a two-sided test. The p-value is not corrected for the number of clusters.",
  },
  difference: {
    name: "Difference",
    meaning: "The share of features whose relevance differs between this cluster and the rest of its class, by permutations of the membership (family-wise error of 5 %).",
  },
  enrichment: {
    name: "Enriched",
    meaning: `The value of a label, prediction or further column that is most enriched in this cluster (Fisher's exact test). Bold: q < ${SIGNIFICANT}, corrected for all such tests of the class.`,
  },
  meanConfidence: { name: "Mean confidence", meaning: "The mean confidence of the predictions of the class." },
  components: {
    name: "Graph components",
    meaning: "The number of connected components of the neighbor graph. Clusters that are components are separable by construction.",
  },
  prototypes: {
    name: "Prototypes",
    meaning: "Gaussian prototypes of the class in concept relevance, with their weights; the explanation nearest to each is shown.",
  },
  relevanceArrived: {
    name: "Relevance arrived",
    meaning: "The sum of the relevance map divided by the explained output: 1 where all of it arrives at the input. Unknown for gradients, which are not meant to sum to the output.",
  },
  relevanceMax: {
    name: "Largest relevance",
    meaning: "The largest absolute relevance in the map divided by the absolute explained output.",
  },
  losses: {
    name: "Lost by cause",
    meaning: "The share of the explained output that does not arrive at the input, by what absorbs it; measured on some samples of the run.",
  },
  explains: {
    name: "Heatmap explains",
    meaning: "The class whose output the relevance was computed for. It can differ from the true and from the predicted class.",
  },
  confidence: { name: "Confidence", meaning: "The probability of the predicted class, which can differ from the class that the heatmap explains." },
  coherence: { name: "Coherence", meaning: "The similarity of the heatmaps of a cluster: the mean cosine between them." },
  purity: {
    name: "Purity",
    meaning: "The largest share of one prediction in a cluster, or of one label if classes are formed by prediction.",
  },
  accuracy: { name: "Accuracy", meaning: "The share of samples whose prediction is their label." },
  randIndex: {
    name: "Adjusted Rand index",
    meaning:
      "The share of pairs of samples on which two clusterings agree, corrected for chance: 1 for the same groups, about 0 for random agreement, below 0 for less.",
  },
  information: {
    name: "Normalized mutual information",
    meaning: "The information that one clustering contains about the other: 1 all, 0 none. It is not corrected for chance; many small clusters raise it.",
  },
  noise: { name: "Noise", meaning: "Samples that a density clustering assigns to no cluster." },
  meanMap: {
    name: "Mean heatmap",
    meaning: "The mean relevance of the samples of a cluster, with its sign. Medoids are its most central samples.",
  },
  absoluteMean: {
    name: "Mean heatmap of magnitudes",
    meaning: "The mean of the magnitudes of the relevance maps of a cluster: it also shows where relevance of both signs cancels in the mean.",
  },
  map: {
    name: "Map",
    meaning:
      "Relevance for the explained class: of each pixel (summed over channels), position, token or column. Full color is the largest magnitude, or the percentile chosen under Appearance: of this heatmap (scale of: sample), of all heatmaps of its cluster (cluster) or of the class (all). The color bar shows which; a large heatmap shows the number as ± below it.",
  },
} as const;
