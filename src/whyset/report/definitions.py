"""What each score means; docs/scores.md says more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """One score: its `formula` in words or symbols, where it is from, and what it is compared with."""

    score: str
    formula: str
    source: str
    compared_with: str


DEFINITIONS = (
    Definition(
        "separability",
        "the largest eigenvalue of (S_w + εI)⁻¹ S_b, with the scatter inside (S_w) and between clusters (S_b) in the "
        "spectral embedding, rows of unit length, ε = 0.001; of a cluster: it against the rest",
        "Fisher 1936; used to rank classes by Anders et al. 2022",
        "p: the share (1 + #{surrogates as separable}) / (1 + B) of surrogates: data with each feature's own values "
        "and their rank correlations, but no clusters, analyzed the same way. Bounded by about 1/ε where clusters are "
        "components",
    ),
    Definition(
        "q",
        "min over p_(j) >= p of p_(j) m / j, for the m classes of the analysis",
        "Benjamini, Hochberg 1995",
        "the share of false findings among classes with q as small",
    ),
    Definition(
        "eigengap",
        "the largest difference of successive eigenvalues of the normalized affinity, λ_k - λ_(k+1), k >= 2",
        "von Luxburg 2007",
        "~ marks one that is smaller than the gap behind the first eigenvalue: one strategy",
    ),
    Definition(
        "silhouette",
        "the mean of (b - a)/max(a, b), with the mean distance to the own (a) and to the nearest other cluster (b)",
        "Rousseeuw 1987",
        "1: far from all other clusters, 0: between two, below 0: nearer to another",
    ),
    Definition(
        "stability",
        "the mean adjusted Rand index between the clustering and those of subsamples of 80 %",
        "Ben-Hur, Elisseeff, Guyon 2002; Hubert, Arabie 1985",
        "1: the same clusters every time, 0: as by chance",
    ),
    Definition(
        "recovery",
        "the mean, over the same subsamples, of the largest Jaccard index of the cluster with any cluster found",
        "Hennig 2007",
        "stable from 0.75, dissolved below 0.5",
    ),
    Definition(
        "coherence",
        "the mean cosine between all pairs of maps of a cluster",
        "-",
        "1: all maps alike, as with a mark in one place",
    ),
    Definition(
        "purity",
        "the share of the most frequent prediction (label, where the class was grouped by prediction)",
        "Zhao, Karypis 2001",
        "-",
    ),
    Definition(
        "accuracy",
        "the share of samples predicted right, with Wilson's interval of 95 %",
        "Wilson 1927",
        "p: Fisher's exact test against the class's other samples, two-sided",
    ),
    Definition(
        "confidence",
        "the mean softmax probability of the prediction, with a bootstrap interval of 95 %",
        "Efron, Tibshirani 1993",
        "p: Mann and Whitney's test against the class's other samples, two-sided",
    ),
    Definition(
        "enriched",
        "a value of an attribute is more frequent in the cluster than in the rest of its class",
        "Fisher 1934",
        "Fisher's exact test, one-sided; q over all tests in the class, those of a table of attributes by themselves",
    ),
    Definition(
        "differing",
        "the share of the pooled map (of the channels, in an analysis of concepts) whose mean inside differs from "
        "outside, by Welch's t; `channels` are the most relevant of those that have more inside",
        "Nichols, Holmes 2002",
        "permutations of the membership, largest |t|, level 0.05. It tells where a cluster differs, not that it exists",
    ),
)
