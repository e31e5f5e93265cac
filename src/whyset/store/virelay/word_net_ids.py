"""WordNet ids for classes: real ones where the run knows them."""

import re

import numpy as np

from whyset.store import Run

WORD_NET_ID = re.compile(r"n[0-9]{8}")


def word_net_ids(run: Run, classes: int) -> list[str]:
    """Give an id for each class: its name or its samples' folder where that is one, else `class_00007`, made up.

    Made-up ids depend on the number of the class alone and cannot be taken for real ones.
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
    """Give the one folder that all samples of a class lie in, by class."""
    found: dict[int, set[str]] = {}
    for id, label in zip(run.ids, np.asarray(run.labels).tolist(), strict=True):
        found.setdefault(label, set()).add(id.partition("/")[0])
    return {label: list(folders) for label, folders in found.items() if len(folders) == 1}
