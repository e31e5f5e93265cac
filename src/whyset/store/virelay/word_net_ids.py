"""WordNet ids of classes: real ones if the run has them."""

import re

import numpy as np

from whyset.store import Run

WORD_NET_ID = re.compile(r"n[0-9]{8}")


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
