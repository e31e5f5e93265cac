"""Concept vectors: which samples contain what the seeds have in common."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.findings.views import Features

Scores = NDArray[np.float64]
LEAST_SEEDS = 4
"""Two seeds for each half: a vector is fitted on the seeds of one and applied to those of the other."""
_MOST_FITTED = 2048
"""Samples of other classes that a vector is fitted on."""
_HALF_LIFT = 30.0
"""The lift at which the exclusiveness is one half."""


@dataclass(frozen=True, eq=False)
class Concept:
    """Scores of samples under the concept vector of some seeds, each by a vector that was fitted without the sample.

    Parameters
    ----------
    own : ndarray
        Scores of the samples of the class (n,); those of other classes have mean 0 and variance 1.
    others : ndarray
        Scores of samples of other classes (m,).
    seeds : ndarray of int
        The places of the seeds in `own`.
    threshold : float
        Samples with at least this score contain the evidence.
    """

    own: Scores
    others: Scores
    seeds: NDArray[np.int64]
    threshold: float

    @property
    def above_median(self) -> float:
        """The share of the samples of other classes with a score above the median of the seeds."""
        return float((self.others > np.median(self.own[self.seeds])).mean())

    @property
    def carriers(self) -> NDArray[np.bool_]:
        """The samples of the class that contain the evidence (n,)."""
        return self.own >= self.threshold

    @property
    def other_carriers(self) -> NDArray[np.bool_]:
        """The samples of other classes that contain it (m,)."""
        return self.others >= self.threshold

    @property
    def exclusiveness(self) -> float:
        """How much more often the class has the evidence than other classes: `lift / (lift + 30)`.

        The lift is the share of carriers in the class divided by that in other classes; the latter is estimated as
        (k + 1) / (m + 2), since it is not 0 because none of a few samples has it.
        """
        share = (self.other_carriers.sum() + 1) / (len(self.others) + 2)
        lift = float(self.carriers.mean() / share)
        return lift / (lift + _HALF_LIFT)

    @property
    def independence(self) -> float:
        """How little the rest of the class differs from other classes: 1 minus the Gini coefficient |2 AUROC − 1|.

        Evidence that was added to some samples of a class leaves its other samples as they are. Parts of the object are
        there in all degrees, so the rest of the class has higher scores than other classes.
        """
        rest, others = self.own[~self.carriers], self.others[~self.other_carriers]
        if not len(rest) or not len(others):
            return 0.0
        return 1 - abs(2 * measure_auroc(rest, others) - 1)


def fit_concept(own: Features, seeds: NDArray[np.int64], others: Features, seed: int) -> Concept:
    """Fit concept vectors that tell seeds from samples of other classes, and score all samples.

    The vector is that of a linear discriminant analysis with the shrunk covariance of Ledoit and Wolf. It is fitted on
    one half of the samples and applied to the other, and the reverse. The threshold maximizes the share of the seeds
    above it times the exclusiveness, so that one seed without the evidence does not lower it.

    Parameters
    ----------
    own : ndarray
        A view of the samples of the class (n, channels).
    seeds : ndarray of int
        The places of at least four seeds in it.
    others : ndarray
        The view of samples of other classes (m, channels).
    seed : int
        The seed of the division into halves.

    Returns
    -------
    Concept
        The scores and the threshold.
    """
    mean, deviation = others.mean(0), others.std(0)
    kept = deviation > 1e-6 * max(1e-30, float(deviation.max()))
    values, other_values = ((part[:, kept] - mean[kept]) / deviation[kept] for part in (own, others))
    own_scores, other_scores = np.empty(len(own)), np.empty(len(others))
    for fitted, (scored, scored_others) in _divide(len(own), seeds, len(others), seed):
        weights = _fit(values[seeds[fitted[0]]], other_values[fitted[1][:_MOST_FITTED]])
        found = other_values[scored_others] @ weights
        center, scale = found.mean(), max(float(found.std()), 1e-30)
        own_scores[scored] = (values[scored] @ weights - center) / scale
        other_scores[scored_others] = (found - center) / scale
    return Concept(own_scores, other_scores, seeds, _find_threshold(own_scores, seeds, other_scores))


def measure_auroc(ones: Scores, others: Scores) -> float:
    """Return the probability that a score of the first is larger than one of the second, ties counted half."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([ones, others]))[: len(ones)]
    return float((ranks.mean() - (len(ones) + 1) / 2) / len(others))


def _divide(
    n_own: int, seeds: NDArray[np.int64], n_others: int, seed: int
) -> Iterator[tuple[tuple[NDArray[np.int64], NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    """Yield twice the seeds and others to fit on, in random order, and the samples and others to score."""
    generator = np.random.default_rng([seed, 3])
    half = generator.permutation(n_own) % 2
    half[seeds] = generator.permutation(len(seeds)) % 2  # as many seeds in each half
    order = generator.permutation(n_others)
    for fitted in (0, 1):
        yield (
            (np.flatnonzero(half[seeds] == fitted), order[fitted::2]),
            (np.flatnonzero(half != fitted), order[1 - fitted :: 2]),
        )


def _fit(seeds: Features, others: Features) -> Scores:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    labels = np.repeat([1, 0], [len(seeds), len(others)])
    analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    weights: Scores = analysis.fit(np.concatenate([seeds, others]), labels).coef_[0]
    return weights


def _find_threshold(own: Scores, seeds: NDArray[np.int64], others: Scores) -> float:
    """Return the threshold at which the share of the seeds above it times the exclusiveness is largest.

    Candidates are the middles between a seed and the next lower sample of another class.
    """
    ordered, best, largest = np.sort(others), 0.0, -1.0
    for score in np.unique(own[seeds]):
        place = int(np.searchsorted(ordered, score))
        threshold = float(score) if place == 0 else (float(score) + float(ordered[place - 1])) / 2
        found = Concept(own, others, seeds, threshold)
        value = float((own[seeds] >= score).mean()) * found.exclusiveness
        if value > largest:
            best, largest = threshold, value
    return best
