"""`fit_concept_vector`: a concept vector from activations, with its quality on samples that it was not fitted on."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whyset.arguments import seed_number
from whyset.errors import InputError
from whyset.findings.concept import measure_auroc
from whyset.fixing.concept_methods import ConceptMethod, Values, as_concept_method
from whyset.store.effects import Estimate

_FOLDS = 5
_Z = 1.959963984540054
"""The quantile of the normal distribution for intervals of 95 %."""


@dataclass(frozen=True, eq=False)
class FittedVector:
    """A concept vector in the space of the activations that it was fitted on.

    The score of a sample is `v · (x − center) / scale`; samples without the concept have scores of mean 0 and variance
    1. A score of at least `threshold` means that the sample has the concept.

    Parameters
    ----------
    vector : ndarray
        The vector (channels,), which points to the samples with the concept.
    center : ndarray
        The mean of the samples without the concept (channels,).
    scale : float
        The standard deviation of `v · x` of the samples without the concept.
    threshold : float
        The score that separates the two groups best, among scores of samples that the vector was not fitted on.
    auroc : Estimate
        The area under the ROC curve of those scores.
    n_with, n_without : int
        The numbers of samples.
    method : ConceptMethod
        What fitted it.
    """

    vector: Values
    center: Values
    scale: float
    threshold: float
    auroc: Estimate
    n_with: int
    n_without: int
    method: ConceptMethod

    def score(self, activations: ArrayLike) -> Values:
        """Return the scores (n,) of activations (n, channels)."""
        scores: Values = (np.asarray(activations, np.float64) - self.center) @ self.vector / self.scale
        return scores


def fit_concept_vector(
    activations_with: ArrayLike, activations_without: ArrayLike, method: ConceptMethod | str = "pattern", seed: int = 0
) -> FittedVector:
    """Fit the direction in which activations with a concept differ from those without it.

    The vector is fitted on all samples. Its quality and its threshold are those of five others, each of which is
    fitted without one fifth of both groups and applied to this fifth (of fewer, if a group has fewer samples).

    A finding is detected by another vector, `whyset.findings.concept`: that of a discriminant analysis, which
    separates best but points away from the evidence where channels are correlated. A vector that removes a concept has
    to point to it, as "pattern" does.

    Parameters
    ----------
    activations_with, activations_without : array_like
        Activations of samples with the concept (n, channels), and without it (m, channels); at least two of both.
    method : str or ConceptMethod, default "pattern"
        A name of `CONCEPT_METHODS`, or an instance.
    seed : int, default 0
        The seed of the division into fifths.

    Returns
    -------
    FittedVector
        The vector and its quality.

    Raises
    ------
    InputError
        Shapes do not agree, there are fewer than two samples, a value is not finite, or the groups do not differ.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> without = random.normal(size=(100, 3))
    >>> found = fit_concept_vector(random.normal(size=(50, 3)) + [9, 0, 0], without)
    >>> found.auroc.value, int(np.abs(found.vector).argmax())
    (1.0, 0)
    """
    own, others = _check(activations_with, "activations_with"), _check(activations_without, "activations_without")
    if own.shape[1] != others.shape[1]:
        raise InputError(f"expected activations of the same channels, got {own.shape[1]} and {others.shape[1]}")
    chosen = as_concept_method(method)
    vector, center, scale = _fit(chosen, own, others)
    scores, other_scores = np.empty(len(own)), np.empty(len(others))
    for own_fold, other_fold in _divide(len(own), len(others), seed_number(seed)):
        fold = _fit(chosen, own[~own_fold], others[~other_fold])
        scores[own_fold] = (own[own_fold] - fold[1]) @ fold[0] / fold[2]
        other_scores[other_fold] = (others[other_fold] - fold[1]) @ fold[0] / fold[2]
    auroc = estimate_auroc(scores, other_scores)
    threshold = find_threshold(scores, other_scores)
    return FittedVector(vector, center, scale, threshold, auroc, len(own), len(others), chosen)


def estimate_auroc(ones: Values, others: Values) -> Estimate:
    """Estimate the area A under the ROC curve, with an interval (Newcombe 2006, method 5).

    Its ends solve `|A − a| = z √V(A)` with the variance of Hanley and McNeil (1982),
    `V(A) = A(1 − A)(1 + N(1 − A)/(2 − A) + N A/(1 + A)) / (mn)` and `N = (m + n)/2 − 1`. It is not empty for A = 1.

    >>> [round(end, 2) for end in estimate_auroc(np.arange(10.0) + 99, np.arange(10.0)).interval]
    [0.83, 1.0]
    """
    found, m, n = measure_auroc(ones, others), len(ones), len(others)

    def excess(area: float) -> float:
        count = (m + n) / 2 - 1
        spread = 1 + count * (1 - area) / (2 - area) + count * area / (1 + area)
        return abs(area - found) - _Z * math.sqrt(max(0.0, area * (1 - area) * spread / (m * n)))

    low, high = _solve(excess, 0.0, found), _solve(excess, 1.0, found)
    return Estimate(found, (low, high), m + n)


def find_threshold(ones: Values, others: Values) -> float:
    """Return the score that maximizes the share of the first above it plus that of the others below it.

    It is the middle between two neighboring scores, or the largest score plus 1, which no sample reaches; of several
    that are equally good, the highest.
    """
    ordered = np.unique(np.concatenate([ones, others]))
    middles = np.append((ordered[:-1] + ordered[1:]) / 2, ordered[-1] + 1)
    above = 1 - np.searchsorted(np.sort(ones), middles) / len(ones)
    below = np.searchsorted(np.sort(others), middles) / len(others)
    gain = above + below
    return float(middles[np.flatnonzero(gain >= gain.max() - 1e-12)[-1]])


def _fit(method: ConceptMethod, own: Values, others: Values) -> tuple[Values, Values, float]:
    """Return the vector, and the center and scale of the samples without the concept."""
    center = others.mean(0)
    t = np.repeat([1.0, 0.0], [len(own), len(others)])
    vector = method.fit(np.concatenate([own, others]), t)
    if not np.isfinite(vector).all() or not np.any(vector):
        raise InputError(
            f"{method.title}: the activations with and without the concept do not differ: expected another layer or "
            "other samples"
        )
    scale = float(((others - center) @ vector).std())
    return vector, center, scale if scale > 0 else float(np.linalg.norm(vector))


def _divide(n_own: int, n_others: int, seed: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield the samples of both groups that are left out, fold by fold."""
    random, count = np.random.default_rng([seed, 8]), min(_FOLDS, n_own, n_others)
    own, others = (random.permutation(size) % count for size in (n_own, n_others))
    for fold in range(count):
        yield own == fold, others == fold


def _check(given: ArrayLike, name: str) -> Values:
    values: Values = np.asarray(given, np.float64)
    if values.ndim != 2 or len(values) < 2 or values.shape[1] < 1:
        raise InputError(f"{name}: expected (samples, channels) with at least two samples, got {values.shape}")
    if not np.isfinite(values).all():
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
    return values


def _solve(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Return where a function is 0 between a place outside of the interval and one inside, by bisection."""
    if excess(outside) <= 0:
        return outside
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if excess(middle) > 0 else (outside, middle)
    return (outside + inside) / 2
