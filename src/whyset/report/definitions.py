"""Definitions of the scores; docs/scores.md has the details."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """One score: its `formula` in words or symbols, its source, and its reference values or test."""

    score: str
    formula: str
    source: str
    compared_with: str


DEFINITIONS = (
    Definition(
        "contrast",
        "the mean cosine between all pairs of details of the relevance maps in a cluster, minus that in the rest of "
        "the class, the largest over the clusters of the default clustering and the small clusters; details are a map "
        "minus its mean in windows of 5 cells",
        "-",
        "the other classes of the run: modified z-score 0.6745 (x - median)/MAD (Iglewicz, Hoaglin 1993); also in runs "
        "without shortcuts some class is first, with a small contrast",
    ),
    Definition(
        "effect of a small cluster",
        "Glass's delta of the details projected on the difference of their means inside and outside, each member on "
        "the difference without itself",
        "Glass 1976",
        "the largest in 19 surrogates of the rest of the class, in each of which the search is repeated",
    ),
    Definition(
        "separability",
        "the largest eigenvalue of (S_w + εI)⁻¹ S_b, with the scatter inside (S_w) and between clusters (S_b) in the "
        "spectral embedding, rows of unit length, ε = 0.001; of a cluster: against the rest of the class",
        "Fisher 1936; used to rank classes by Anders et al. 2022",
        "p: that of the bottleneck. Bounded by about 1/ε if clusters are components",
    ),
    Definition(
        "bottleneck and p",
        "max 2 (√min(a, b) - √c) over cuts of the neighbor graph in the order of an eigenvector: c is the number of "
        "edges that are cut, a and b the largest numbers before and after",
        "Shi, Malik 2000; Anscombe 1948; p: Besag, Clifford 1991",
        "p: (1 + #{surrogates with one as deep}) / (1 + B) over B surrogates, which are graphs of one group along a "
        "segment, three quarters as wide as that of the class; 10 / B once 10 are as deep",
    ),
    Definition(
        "q",
        "min over p_(j) >= p of p_(j) m / j, for the m classes of the analysis; if the analysis has v views, p_(j) is "
        "corrected for those of its class: max over i <= j of min(1, (v - i + 1) p_(i))",
        "Benjamini, Hochberg 1995; Holm 1979",
        "the expected share of false findings among classes with a q this small",
    ),
    Definition(
        "eigengap",
        "the largest difference of successive eigenvalues of the normalized affinity, λ_k - λ_(k+1), k >= 2",
        "von Luxburg 2007",
        "~: smaller than the gap after the first eigenvalue, as in a class with one strategy",
    ),
    Definition(
        "silhouette",
        "the mean of (b - a)/max(a, b), with the mean distance to the same (a) and to the nearest other cluster (b)",
        "Rousseeuw 1987",
        "1: far from all other clusters, 0: between two, below 0: nearer to another",
    ),
    Definition(
        "stability",
        "the mean adjusted Rand index between the clustering and those of subsamples of 80 %",
        "Ben-Hur, Elisseeff, Guyon 2002; Hubert, Arabie 1985",
        "1: the same clusters every time, 0: chance",
    ),
    Definition(
        "recovery",
        "the mean, over the same subsamples, of the largest Jaccard index of the cluster with any cluster found",
        "Hennig 2007",
        "stable from 0.75, dissolved below 0.5",
    ),
    Definition(
        "coherence",
        "the mean cosine between all pairs of relevance maps of a cluster",
        "-",
        "1: all relevance maps are alike, as with a mark in one place",
    ),
    Definition(
        "purity",
        "the share of the most frequent prediction (label, if classes are grouped by prediction)",
        "Zhao, Karypis 2001",
        "-",
    ),
    Definition(
        "accuracy",
        "the share of correct predictions, with Wilson's interval of 95 %",
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
        "attribute values that are more frequent in the cluster than in the rest of its class",
        "Fisher 1934",
        "Fisher's exact test, one-sided; q over all tests in the class, separately for a table of attributes",
    ),
    Definition(
        "differing",
        "the share of the pooled relevance map (of the channels, in an analysis of concepts) whose mean differs inside "
        "and outside the cluster, by Welch's t; `channels` are the most relevant of those with more relevance inside",
        "Nichols, Holmes 2002",
        "permutations of the membership, largest |t|, level 0.05. It shows where a cluster differs, not that it exists",
    ),
)
