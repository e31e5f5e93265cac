/** What the ~ before an eigengap says. */
export const UNCLEAR = "not the largest gap: the class may have one strategy";

/** The words of the viewer that need a definition, said once. */
export const TERMS = {
  separability: {
    name: "Separability",
    meaning:
      "How far the clusters of a class lie apart, compared with their width: Fisher's discriminant on the spectral embedding. Of one cluster: it against the rest.",
  },
  pValue: {
    name: "p-value",
    meaning:
      "How often surrogate data without groups (with the same values and rank correlations as the class) score at least as high. Small: the groups are hardly chance.",
  },
  qValue: {
    name: "q-value",
    meaning: "The p-value corrected for the number of classes (Benjamini, Hochberg 1995): the share of false findings among classes with q as small.",
  },
  eigengap: {
    name: "Eigengap",
    meaning:
      "The largest step between neighbouring eigenvalues of the neighbourhood graph. As many clusters are suggested as eigenvalues stand before it. ~ marks a gap that is not the largest: such a class looks like one group.",
  },
  coherence: { name: "Coherence", meaning: "How alike the maps of a cluster are: the mean cosine between them." },
  purity: {
    name: "Purity",
    meaning: "The largest share of one prediction in a cluster; of one label, where classes are made by prediction.",
  },
  accuracy: { name: "Accuracy", meaning: "The share of samples whose prediction is their label." },
  randIndex: {
    name: "Adjusted Rand index",
    meaning:
      "How often two clusterings agree whether a pair of samples belongs together, corrected for chance: 1 the same groups, about 0 as by chance, below 0 less than that.",
  },
  information: {
    name: "Normalised mutual information",
    meaning: "How much one clustering tells about the other: 1 everything, 0 nothing. Not corrected for chance; many small clusters raise it.",
  },
  noise: { name: "Noise", meaning: "Samples that a density clustering assigns to no cluster." },
  meanMap: {
    name: "Mean map",
    meaning: "The mean relevance of the samples of a cluster, with its sign. Medoids are its most central samples.",
  },
  absoluteMean: {
    name: "Mean map of magnitudes",
    meaning: "The mean of the magnitudes of the maps of a cluster: it also shows where relevance of both signs cancels in the mean.",
  },
  map: {
    name: "Map",
    meaning:
      "Relevance for the explained class: of each pixel (summed over channels), position, token or column. Full colour is the largest magnitude, or the percentile chosen under Appearance: of this map alone (scale of: sample), of all maps of its cluster (cluster) or of the class (all). The colour bar says which; the number stands as ± below a large map.",
  },
} as const;
