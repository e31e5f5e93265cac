"""Processors from their stored form."""

import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

from whyset.analysis import scores
from whyset.analysis.loaded_objects import find_loaded_object
from whyset.analysis.processors import PROCESSORS, Processor
from whyset.analysis.processors.source import source_hash
from whyset.errors import InputError

EARLIER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "KNearestNeighbours": "KNearestNeighbors",
        "ApproximateNeighbours": "ApproximateNeighbors",
        "SymmetricNeighbours": "SymmetricNeighbors",
    }
)
"""Names of processors in analyses before format 2.2, and their present names."""

EARLIER_FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Spray": {
            "of": "array",
            "distance": "metric",
            "neighbours": "n_neighbors",
            "number": "n_clusters",
            "smallest_class": "min_class_size",
        },
        "KMeans": {"clusters": "n_clusters", "restarts": "n_init"},
        "HDBSCAN": {"smallest": "min_cluster_size"},
        "DBSCAN": {"radius": "eps", "smallest": "min_samples"},
        "Agglomerative": {"clusters": "n_clusters"},
        "PCA": {"components": "n_components"},
        "UMAP": {"neighbours": "n_neighbors", "distance": "min_dist"},
        "LLE": {"neighbours": "n_neighbors", "regularization": "reg"},
    }
)
"""Names of fields in analyses before format 2.1, by processor, and their present names."""

ABSENT_FIELDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"Spray": MappingProxyType({"sisters": None, "small_clusters": None})}
)
"""Values of fields that earlier analyses do not have: steps that they did not do."""


def get_known_processors() -> Mapping[str, type[Processor]]:
    """Return all processors that are stored by their name alone, except Spray, which is made of them."""
    parts = [part for part in vars(scores).values() if inspect.isclass(part) and issubclass(part, Processor)]
    return MappingProxyType({**PROCESSORS, **{part.__name__: part for part in parts}})


def processor_from_dict(form: Any, *others: type[Processor]) -> Processor:
    """Make the processor of a stored form; `others` are known in addition to the table.

    InputError: the processor is unknown, its source has changed, or a field does not fit.
    """
    if (
        not isinstance(form, Mapping)
        or not isinstance(form.get("name"), str)
        or not isinstance(form.get("fields"), Mapping)
    ):
        raise InputError(f'Expected a stored processor {{"name": ..., "fields": {{...}}}}, got {form!r}.')
    name = EARLIER_NAMES.get(form["name"], form["name"])
    known = {**get_known_processors(), **{other.__name__: other for other in others}}
    kind = _find_processor(name, form.get("source")) if ":" in name else known.get(name)
    if kind is None:
        raise InputError(
            f"Unknown processor {name!r}; a custom one is stored as 'module:Class'. The processors are "
            f"{', '.join(sorted(known))}."
        )
    renamed = EARLIER_FIELDS.get(name, {})
    stored = {renamed.get(key, key): value for key, value in form["fields"].items()}
    expected = {f.name for f in fields(kind) if f.init}  # type: ignore[arg-type]  # every processor is a dataclass
    if unknown := sorted(set(stored) - expected):
        raise InputError(f"{name} has no field {', '.join(unknown)}; it has {', '.join(sorted(expected)) or 'none'}.")
    absent = ABSENT_FIELDS.get(name, {})
    return kind(**{**absent, **{key: _value(value) for key, value in stored.items()}})


def _value(stored: Any) -> Any:
    if isinstance(stored, list):
        return tuple(_value(item) for item in stored)
    return processor_from_dict(stored) if isinstance(stored, Mapping) else stored


def _find_processor(name: str, source: str | None) -> type[Processor]:
    """Find a custom processor, and check that its source is the same."""
    try:
        found = find_loaded_object(name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"The processor {name} was not found ({error}): a stored name never imports code, so import "
            f"{name.partition(':')[0]} first."
        ) from error
    if not (inspect.isclass(found) and issubclass(found, Processor) and is_dataclass(found)):
        raise InputError(f"{name} is not a processor: expected a dataclass that is derived from Processor.")
    if source != source_hash(found):
        raise InputError(
            f"The source of {name} has changed since it was stored, so it may do something else: restore the stored "
            "version, or make the pipeline again."
        )
    return found
