"""Evidence of analyses before format 2.0: an untyped `info`, converted to the current fields."""

from collections.abc import Mapping
from typing import Any

Fields = dict[str, Any]

_COMPOSITION = ("purity", "accuracy", "mean_confidence")
_CLASS = {
    "n_explanations": "size",
    "n_samples": "n_samples",
    "label": "label",
    "grouped_by": "grouped_by",
    "purity_of": "purity_of",
    "array": "of",
    "problem": "problem",
    "default_clustering": "default_clustering",
    "default_embedding": "default_embedding",
}
_CLUSTERING = {"n_clusters": "k", "selected_by": "selected_by", "n_noise": "noise"} | {
    name: name for name in ("separability", "silhouette")
}
_CLUSTER = {"id": "id", "n_explanations": "size"} | {
    name: name
    for name in ("separability", "coherence", "silhouette", "medoids", "accuracy_contrast", "confidence_contrast")
}


def convert_info(info: Any) -> Fields:
    """Return the fields of `ClassEvidence`, not validated yet. KeyError and the like mean that `info` is damaged."""
    if not isinstance(info, Mapping):
        raise TypeError(f"expected an object, got {type(info).__name__}")
    scores = info.get("scores") or {}
    separability, eigengap = scores.get("separability"), scores.get("eigengap")
    return _rename(info, _CLASS) | {
        "composition": _rename(scores, {name: name for name in _COMPOSITION}),
        "separability": _rename(separability, _SEPARABILITY),
        "eigengap": _rename(eigengap, {"value": "value", "n_clusters": "clusters", "is_max": "clear"}),
        "graph": _graph(info),
        "clusterings": {name: _clustering(one) for name, one in (info.get("clusterings") or {}).items()},
        "embeddings": {
            name: _rename(one, {"n_components": "dimensions"}) for name, one in (info.get("embeddings") or {}).items()
        },
        "prototypes": _prototypes(info.get("prototypes")),
        "data_issues": info.get("treatment") or [],
    }


_SEPARABILITY = {"n_surrogates": "surrogates"} | {name: name for name in ("value", "p_value", "null_median", "null")}


def _rename(stored: Any, names: Mapping[str, str]) -> Fields:
    """Return the stored fields by their current names."""
    stored = {} if stored is None else stored
    return {new: stored[old] for new, old in names.items() if old in stored}


def _graph(info: Mapping[str, Any]) -> Fields:
    graph = _rename(info.get("graph"), {"n_neighbors": "neighbours", "recall": "recall", "affinity": "affinity"})
    return graph | _rename(info, {"n_connected_components": "components", "n_isolated": "isolated"})


def _clustering(stored: Mapping[str, Any]) -> Fields:
    stability, enrichment = stored.get("stability"), stored.get("enrichment") or {}
    recovery = dict(enumerate((stability or {}).get("recovery", [])))
    clusters = [
        _cluster(one, recovery.get(one["id"]), [t for t in enrichment.get("smallest", []) if t["cluster"] == one["id"]])
        for one in stored.get("clusters", [])
    ]
    kept = {name: value for name, value in _rename(stored, _CLUSTERING).items() if value is not None}
    return kept | {
        "stability": None if stability is None else _rename(stability, _STABILITY),
        "n_enrichment_tests": enrichment.get("tests", 0),
        "clusters": clusters,
    }


_STABILITY = {
    "adjusted_rand": "adjusted_rand",
    "adjusted_rand_range": "range",
    "n_subsamples": "runs",
    "subsample_fraction": "share",
}


def _cluster(stored: Mapping[str, Any], recovery: float | None, tests: list[Mapping[str, Any]]) -> Fields:
    difference = stored.get("difference")
    renamed = {"p_value": "p_value", "threshold": "threshold", "significant_fraction": "share", "channels": "channels"}
    return _rename(stored, _CLUSTER) | {
        "composition": _rename(stored, {name: name for name in _COMPOSITION}),
        "recovery": recovery,
        "difference": None if difference is None else _rename(difference, renamed),
        "enrichment": [_rename(test, _TEST) for test in tests],
    }


_TEST = {"n_inside": "size", "n_outside": "others"} | {
    name: name for name in ("attribute", "value", "inside", "outside", "p_value", "q_value", "odds_ratio")
}


def _prototypes(stored: Any) -> Fields | None:
    names = {name: name for name in ("covariance", "weights", "outliers")} | {"explanations": "samples"}
    return None if stored is None else _rename(stored, names)
