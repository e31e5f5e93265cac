"""Export of an analysis, in the layout that ViRelAy's code reads."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from whyset.progress import Progress
from whyset.store import Analysis, Category
from whyset.store.virelay.dataset import MARK
from whyset.store.virelay.names import safe_name_for
from whyset.store.virelay.packages import h5py

KINDS = {"embedding": "embedding.", "cluster": "clustering."}


def method_names(analyses: Sequence[str]) -> dict[str, str]:
    """Return names of the analyses for ViRelAy, which cannot open names with - or /.

    >>> method_names(["spray-2", "spray"])
    {'spray-2': 'spray_2', 'spray': 'spray'}
    """
    names: dict[str, str] = {}
    for name in analyses:
        names[name] = safe_name_for(name.replace("-", "_"), names.values())
    return names


def write_analysis(analysis: Analysis, file: Path, ids: Sequence[str], telling: Progress) -> bool:
    """Write the categories that have results; return True if there are any.

    ViRelAy takes the names of clusterings and embeddings from the first category, so only common ones are written.
    """
    categories = [category for category in analysis.categories if _usable(analysis, category, telling)]
    names = {kind: _common(analysis, kind, categories, telling) for kind in KINDS}
    if not categories or not all(names.values()):
        telling.info(
            f"analysis {analysis.name}: its classes have no clustering and embedding in common; it is not exported"
        )
        return False
    with h5py().File(file, "w") as target:
        for category in categories:
            group = target.create_group(_key(category, ids, target))
            group["index"] = category.column("index").astype(np.uint32)
            for kind, prefix in KINDS.items():
                for name in names[kind]:
                    _write_column(group, f"{kind}/{name}", category.column(prefix + name))
            _write_notes(group, category, names)
    return True


def _usable(analysis: Analysis, category: Category, telling: Progress) -> bool:
    problem = category.problem or category.evidence.problem
    if problem:
        telling.info(f"analysis {analysis.name}: {category.name} is not exported: {problem}")
    return not problem


def _common(analysis: Analysis, kind: str, categories: Sequence[Category], telling: Progress) -> list[str]:
    """Return the names that all categories have, and report the others."""
    prefix = KINDS[kind]
    of = [{c.removeprefix(prefix) for c in category.columns if c.startswith(prefix)} for category in categories]
    common = set.intersection(*of) if of else set()
    for name in sorted(set().union(*of) - common):
        without = sum(name not in own for own in of)
        telling.info(
            f"analysis {analysis.name}: the {kind} {name} is not exported, because {without} of {len(of)} classes lack "
            "it"
        )
    return sorted(common)


def _key(category: Category, ids: Sequence[str], target: Any) -> str:
    """Return the WordNet id of the class, or the category's name without slashes, as the name of its group."""
    label = category.evidence.label
    if label is not None and 0 <= label < len(ids) and ids[label] not in target:
        return ids[label]
    name = category.name.replace("/", "_").strip(".") or category.id
    return name if name not in target else f"{name} ({category.id})"


def _write_column(group: Any, place: str, values: np.ndarray[Any, np.dtype[Any]]) -> None:
    group[place] = values.astype(np.float32 if values.dtype.kind == "f" else np.int32)


def _write_notes(group: Any, category: Category, names: dict[str, list[str]]) -> None:
    """Write eigenvalues where ViRelAy reads them, the number of clusters, and the columns to show first."""
    evidence = category.evidence
    first = {"clustering": evidence.default_clustering, "embedding": evidence.default_embedding}
    group.attrs[MARK] = json.dumps({name: value for name, value in first.items() if value is not None})
    if "eigenvalues" in category.columns:
        spectral = "spectral" if "spectral" in names["embedding"] else names["embedding"][0]
        group[f"embedding/{spectral}"].attrs["eigenvalue"] = category.column("eigenvalues")
    for column in category.columns:
        own = column.removeprefix("eigenvalues.")
        if own != column and own in names["embedding"]:
            group[f"embedding/{own}"].attrs["eigenvalue"] = category.column(column)
    for name in names["cluster"]:
        found = evidence.clusterings.get(name)
        if found is not None and found.n_clusters is not None:
            group[f"cluster/{name}"].attrs["k"] = found.n_clusters
