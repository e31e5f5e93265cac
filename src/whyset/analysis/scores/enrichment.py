"""Values of an attribute that are more frequent in a cluster than elsewhere in its class."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.scores.inference import benjamini_hochberg
from whyset.errors import InputError

MOST_VALUES = 50
"""An attribute with more different values, such as an id, identifies samples rather than kinds of samples."""


@dataclass(frozen=True)
class Enrichment:
    """One value of one attribute in one cluster: `inside` of the cluster's `size` samples have it, `outside` of the
    `others`. The p-value is that of Fisher's exact test, the q-value Benjamini and Hochberg's over all tests made."""

    cluster: int
    attribute: str
    value: str
    inside: int
    size: int
    outside: int
    others: int
    p_value: float
    q_value: float

    @property
    def odds_ratio(self) -> float | None:
        """inside (others - outside) / (outside (size - inside)); None for a division by zero."""
        below = self.outside * (self.size - self.inside)
        return self.inside * (self.others - self.outside) / below if below else None


def enrichments(
    labels: NDArray[np.integer], attributes: Mapping[str, NDArray[Any]], samples: NDArray[np.integer] | None = None
) -> list[Enrichment]:
    """Test every value of every attribute in every cluster, and return all tests, the smallest p-value first.

    `labels` (N,) are cluster numbers, -1 for noise, which counts as outside. An attribute is an array (N,) of numbers,
    truth values or texts; unknown values take no part: None, NaN, "" and, among integers, negative ones. With n
    samples in the cluster, of which k have the value, and K of all N, Fisher's one-sided p-value is
    P(X >= k) = Σ_(j >= k) C(K, j) C(N - K, n - j) / C(N, n) (Fisher 1934). The clusters must not come from the
    attribute itself, or the test is circular. An attribute with one value, or with more than 50, is not tested.

    Where samples have several explanations, `samples` (N,) says which sample each of the N explanations is of. The test
    is one of independent samples, so each counts once, with the attribute of its first explanation: inside a cluster if
    any of its explanations is, outside if none is. By default each is another sample.
    """
    labels = np.asarray(labels)
    samples = np.arange(len(labels)) if samples is None else samples
    _, first, numbers = np.unique(samples, return_index=True, return_inverse=True)
    clusters = range(int(labels.max(initial=-1)) + 1)
    inside = [np.bincount(numbers[labels == cluster], minlength=len(first)) > 0 for cluster in clusters]
    tests = [
        test
        for name, values in attributes.items()
        for test in _run_tests(inside, name, _find_known(name, np.asarray(values), first, len(labels)))
    ]
    q_values = benjamini_hochberg([test.p_value for test in tests])
    tests = [replace(test, q_value=q) for test, q in zip(tests, q_values, strict=True) if q is not None]
    return sorted(tests, key=lambda test: (test.p_value, test.cluster, test.attribute, test.value))


def _run_tests(
    inside: Sequence[NDArray[np.bool_]], name: str, known: tuple[NDArray[np.bool_], NDArray[np.str_]]
) -> Iterator[Enrichment]:
    from scipy.stats import hypergeom

    taking_part, texts = known
    found, codes = np.unique(texts, return_inverse=True)
    if not 2 <= len(found) <= MOST_VALUES:
        return
    with_value = np.bincount(codes)
    for cluster, members in enumerate(inside):
        own = np.bincount(codes[members[taking_part]], minlength=len(found))
        size = int(own.sum())
        p_values = hypergeom.sf(own - 1, len(codes), with_value, size)
        for value, here, total, p in zip(found, own, with_value, p_values, strict=True):
            if size:
                counts = (int(here), size, int(total - here), len(codes) - size)
                yield Enrichment(cluster, name, str(value), *counts, min(1.0, float(p)), 1.0)


def _find_known(
    name: str, values: NDArray[Any], first: NDArray[np.intp], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    """Return the mask of known values among those of the rows `first`, and these values as texts."""
    if values.shape != (count,):
        raise InputError(
            f"attribute {name!r} has the shape {values.shape}: expected one value for each of {count} explanations."
        )
    values = values[first]
    if values.dtype.kind == "f":
        known = np.isfinite(values)
    elif values.dtype.kind == "i":
        known = values >= 0
    else:
        known = np.array([value is not None and value != "" and value == value for value in values.tolist()], bool)
    return known, values[known].astype(np.str_)
