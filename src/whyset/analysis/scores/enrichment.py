"""Values of an attribute that are more frequent in a cluster than elsewhere in its class."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.scores.multiple import benjamini_hochberg
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


def enrichments(labels: NDArray[np.integer], attributes: Mapping[str, NDArray[Any]]) -> list[Enrichment]:
    """Test every value of every attribute in every cluster, and return all tests, the smallest p-value first.

    `labels` (N,) are cluster numbers, -1 for noise, which counts as outside. An attribute is an array (N,) of numbers,
    truth values or texts; unknown values take no part: None, NaN, "" and, among integers, negative ones. With n
    samples in the cluster, of which k have the value, and K of all N, Fisher's one-sided p-value is
    P(X >= k) = Σ_(j >= k) C(K, j) C(N - K, n - j) / C(N, n) (Fisher 1934). The clusters must not come from the
    attribute itself, or the test is circular. An attribute with one value, or with more than 50, is not tested.
    """
    tests = [
        test
        for name, values in attributes.items()
        for test in _run_tests(np.asarray(labels), name, _find_known(name, np.asarray(values), len(labels)))
    ]
    q_values = benjamini_hochberg([test.p_value for test in tests])
    tests = [replace(test, q_value=q) for test, q in zip(tests, q_values, strict=True) if q is not None]
    return sorted(tests, key=lambda test: (test.p_value, test.cluster, test.attribute, test.value))


def _run_tests(
    labels: NDArray[np.integer], name: str, known: tuple[NDArray[np.bool_], NDArray[np.str_]]
) -> Iterator[Enrichment]:
    from scipy.stats import hypergeom

    taking_part, texts = known
    found, codes = np.unique(texts, return_inverse=True)
    if not 2 <= len(found) <= MOST_VALUES:
        return
    labels = labels[taking_part]
    with_value = np.bincount(codes)
    for cluster in range(int(labels.max(initial=-1)) + 1):
        own = np.bincount(codes[labels == cluster], minlength=len(found))
        size = int(own.sum())
        p_values = hypergeom.sf(own - 1, len(labels), with_value, size)
        for value, inside, total, p in zip(found, own, with_value, p_values, strict=True):
            if size:
                counts = (int(inside), size, int(total - inside), len(labels) - size)
                yield Enrichment(cluster, name, str(value), *counts, min(1.0, float(p)), 1.0)


def _find_known(name: str, values: NDArray[Any], count: int) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    """Return the mask of known values, and those values as texts."""
    if values.shape != (count,):
        raise InputError(f"attribute {name!r} has the shape {values.shape}: expected one value for {count} samples.")
    if values.dtype.kind == "f":
        known = np.isfinite(values)
    elif values.dtype.kind == "i":
        known = values >= 0
    else:
        known = np.array([value is not None and value != "" and value == value for value in values.tolist()], bool)
    return known, values[known].astype(np.str_)
