"""Names of classes and files in a ViRelAy project and in a run: safe names, and WordNet ids."""

import re
from collections.abc import Collection, Iterable

import numpy as np

from whyset.store import Run

LONGEST = 100
WORD_NET_ID = re.compile(r"n[0-9]{8}")


def safe_name_for(name: str, taken: Collection[str] = ()) -> str:
    """Return a safe name (letters, digits, '.', '_' and '-') that is not taken, ignoring case.

    >>> safe_name_for("k-means 3", taken=["K-MEANS_3"])
    'k-means_3_2'
    """
    base = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".-").rstrip(".")[:LONGEST] or "unnamed"
    lowered = {other.casefold() for other in taken}
    candidate, number = base, 1
    while candidate.casefold() in lowered:
        number += 1
        candidate = f"{base}_{number}"
    return candidate


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Return a different safe name for every name.

    >>> safe_names(["k-means 3", "k-means/3"])
    {'k-means 3': 'k-means_3', 'k-means/3': 'k-means_3_2'}
    """
    safe: dict[str, str] = {}
    for name in names:
        if name not in safe:
            safe[name] = safe_name_for(name, safe.values())
    return safe


def word_net_ids(run: Run, classes: int) -> list[str]:
    """Return an id for each class: its name or its samples' folder if that is a WordNet id, else `class_00007`.

    Such an id depends only on the number of the class and cannot be mistaken for a real one.
    """
    folders = _folders(run)
    ids: list[str] = []
    for index in range(classes):
        name = run.classes[index] if index < len(run.classes) else ""
        candidates = [name, *folders.get(index, [])]
        real = next((found for found in candidates if WORD_NET_ID.fullmatch(found) and found not in ids), None)
        ids.append(real or f"class_{index:05d}")
    return ids


def _folders(run: Run) -> dict[int, list[str]]:
    """Return the folder of all samples of a class, by class, for classes in one folder."""
    found: dict[int, set[str]] = {}
    for id, label in zip(run.ids, np.asarray(run.labels).tolist(), strict=True):
        found.setdefault(label, set()).add(id.partition("/")[0])
    return {label: list(folders) for label, folders in found.items() if len(folders) == 1}
