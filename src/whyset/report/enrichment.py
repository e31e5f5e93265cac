"""Attribute values that are more frequent in a cluster than in the rest of its class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.scores import Enrichment, enrichments
from whyset.report.numbers import SIGNIFICANT
from whyset.store import Category
from whyset.store.evidence import EnrichmentTest

_SHOWN = 5  # of each cluster, the smallest p-values first
_OF_CLASSES = ("label", "prediction")


@dataclass(frozen=True)
class Enriched:
    """A value of an attribute: `inside` of the cluster's `n_inside` samples have it, `outside` of `n_outside`."""

    attribute: str
    value: str
    inside: int
    n_inside: int
    outside: int
    n_outside: int
    q_value: float

    def __str__(self) -> str:
        counts = f"{self.inside} of {self.n_inside} samples, elsewhere {self.outside} of {self.n_outside}"
        return f"{self.attribute} = {self.value}: {counts} (q = {self.q_value:.2g})"


def name_enriched(tests: Sequence[EnrichmentTest], class_names: tuple[str, ...]) -> tuple[Enriched, ...]:
    """Return the significantly enriched values of a cluster, with classes by name."""
    significant = [test for test in tests if test.q_value < SIGNIFICANT][:_SHOWN]
    return tuple(
        Enriched(
            test.attribute,
            _name_value(test, class_names),
            test.inside,
            test.n_inside,
            test.outside,
            test.n_outside,
            test.q_value,
        )
        for test in significant
    )


def find_enriched(
    category: Category, attributes: Mapping[str, NDArray[Any]], *, targets_per_sample: int
) -> dict[int, tuple[Enriched, ...]]:
    """Test attributes of all rows of the run (N,) in the clusters of a class; return enriched values by cluster.

    Each sample counts once, however many explanations it has in the cluster.
    """
    name = f"clustering.{category.evidence.default_clustering}"
    if not attributes or name not in category.columns:
        return {}
    rows, labels = np.asarray(category.column("index")), np.asarray(category.column(name))
    found: dict[int, tuple[Enriched, ...]] = {}
    known = {attribute: values[rows] for attribute, values in attributes.items()}
    for test in enrichments(labels, known, rows // targets_per_sample):
        own = found.get(test.cluster, ())
        if test.q_value < SIGNIFICANT and len(own) < _SHOWN:
            found[test.cluster] = (*own, _plain(test))
    return found


def _plain(test: Enrichment) -> Enriched:
    return Enriched(test.attribute, test.value, test.inside, test.size, test.outside, test.others, test.q_value)


def _name_value(test: EnrichmentTest, class_names: tuple[str, ...]) -> str:
    known = test.attribute in _OF_CLASSES and test.value.isdecimal() and int(test.value) < len(class_names)
    return class_names[int(test.value)] if known else test.value
