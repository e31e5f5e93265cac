"""What is more frequent in a cluster than elsewhere in its class."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.scores import Enrichment, enrichments
from whyset.store import Category

LEVEL = 0.05
_SHOWN = 5  # of each cluster, the smallest p-values first
_OF_CLASSES = ("label", "prediction")


@dataclass(frozen=True)
class Enriched:
    """A value of an attribute: `inside` of the cluster's `size` samples have it, `outside` of the `others`."""

    attribute: str
    value: str
    inside: int
    size: int
    outside: int
    others: int
    q_value: float

    def __str__(self) -> str:
        counts = f"{self.inside} of {self.size} samples, elsewhere {self.outside} of {self.others}"
        return f"{self.attribute} = {self.value}: {counts} (q = {self.q_value:.2g})"


def enriched_of(clustering: Mapping[str, Any], cluster: int, class_names: tuple[str, ...]) -> tuple[Enriched, ...]:
    """Read what the analysis found enriched in a cluster, with names for classes."""
    stored = (clustering.get("enrichment") or {}).get("smallest", [])
    own = [test for test in stored if test["cluster"] == cluster and test["q_value"] <= LEVEL][:_SHOWN]
    return tuple(
        Enriched(**{name: test[name] for name in _FIELDS} | {"value": _named(test, class_names)}) for test in own
    )


_FIELDS = ("attribute", "value", "inside", "size", "outside", "others", "q_value")


def enriched_attributes(category: Category, attributes: Mapping[str, NDArray[Any]]) -> dict[int, tuple[Enriched, ...]]:
    """Test attributes of all rows of the run (N,) in the clusters of a class; give what is enriched, by cluster."""
    name = f"clustering.{category.info.get('default_clustering')}"
    if not attributes or name not in category.columns:
        return {}
    rows, labels = np.asarray(category.column("index")), np.asarray(category.column(name))
    found: dict[int, tuple[Enriched, ...]] = {}
    for test in enrichments(labels, {attribute: values[rows] for attribute, values in attributes.items()}):
        own = found.get(test.cluster, ())
        if test.q_value <= LEVEL and len(own) < _SHOWN:
            found[test.cluster] = (*own, _plain(test))
    return found


def _plain(test: Enrichment) -> Enriched:
    return Enriched(**{name: getattr(test, name) for name in _FIELDS})


def _named(test: Mapping[str, Any], class_names: tuple[str, ...]) -> str:
    value = str(test["value"])
    known = test["attribute"] in _OF_CLASSES and value.isdigit() and int(value) < len(class_names)
    return class_names[int(value)] if known else value
