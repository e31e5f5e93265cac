"""Similarities of two relevance maps of a sample; `SIMILARITIES` is the table."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import rankdata

from whyset.errors import InputError
from whyset.evaluation.metrics.pooling import divide

Values = NDArray[np.float64]
SimilarityName = Literal["spearman", "pearson", "cosine", "ssim"]


def compare_maps(first: Values, second: Values, shape: Sequence[int], similarity: str) -> Values:
    """Return the similarity of each pair of maps (n, positions); NaN where it is not defined or a map is not finite."""
    finite = np.isfinite(first).all(1) & np.isfinite(second).all(1)
    found = np.full(len(first), np.nan)
    if finite.any():
        found[finite] = SIMILARITIES[similarity](first[finite], second[finite], shape)
    return found


def require_similarity(metric: str, name: str) -> None:
    """Raise an InputError if a similarity is unknown."""
    if name not in SIMILARITIES:
        raise InputError(f"{metric}(similarity={name!r}): expected one of {', '.join(map(repr, SIMILARITIES))}")


def _cosine(first: Values, second: Values, shape: Sequence[int]) -> Values:
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return divide((first * second).sum(1), norms)


def _pearson(first: Values, second: Values, shape: Sequence[int]) -> Values:
    """Correlate; NaN for a constant map, whose deviations are 0 up to rounding."""
    centered = [values - values.mean(1, keepdims=True) for values in (first, second)]
    found = _cosine(centered[0], centered[1], shape)
    constant = [values.max(1) == values.min(1) for values in (first, second)]
    return np.where(constant[0] | constant[1], np.nan, found)


def _spearman(first: Values, second: Values, shape: Sequence[int]) -> Values:
    return _pearson(rankdata(first, axis=1), rankdata(second, axis=1), shape)


def _ssim(first: Values, second: Values, shape: Sequence[int]) -> Values:
    """Structural similarity (Wang 2004) with uniform windows of 7, the largest odd number that fits in each dimension.

    Local means, sample variances and covariance give
    `((2 m1 m2 + c1)(2 s12 + c2)) / ((m1^2 + m2^2 + c1)(s1^2 + s2^2 + c2))`, averaged over the windows inside the map,
    with c1 = (0.01 L)^2 and c2 = (0.03 L)^2 for the range L of both maps together. NaN if L is 0.
    """
    maps = [values.reshape(len(values), *shape) for values in (first, second)]
    both = np.concatenate([first, second], axis=1)
    span = (both.max(1) - both.min(1)).reshape(-1, *[1] * len(shape))
    sides = tuple(min(7, length - 1 + length % 2) for length in shape)
    n_window = int(np.prod(sides))
    unbiased = n_window / max(1, n_window - 1)

    def average(values: Values) -> Values:
        return ndimage.uniform_filter(values, (0, *sides))  # type: ignore[no-any-return]

    mean1, mean2 = map(average, maps)
    variance1, variance2, covariance = (
        unbiased * (average(a * b) - mean_a * mean_b)
        for a, b, mean_a, mean_b in (
            (maps[0], maps[0], mean1, mean1),
            (maps[1], maps[1], mean2, mean2),
            (maps[0], maps[1], mean1, mean2),
        )
    )
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    numerator = (2 * mean1 * mean2 + c1) * (2 * covariance + c2)
    local = divide(numerator, (mean1**2 + mean2**2 + c1) * (variance1 + variance2 + c2))
    inside = tuple(slice(side // 2, length - side // 2) for side, length in zip(sides, shape, strict=True))
    found = local[(slice(None), *inside)].reshape(len(first), -1).mean(1)
    return np.where(span.ravel() > 0, found, np.nan)


SIMILARITIES: Mapping[str, Callable[[Values, Values, Sequence[int]], Values]] = MappingProxyType(
    {"spearman": _spearman, "pearson": _pearson, "cosine": _cosine, "ssim": _ssim}
)
"""Similarities of maps (n, positions) by name; the shape is that of the positions."""
