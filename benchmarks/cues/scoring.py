"""The scores of a method on a network, as one JSON file for each pair, so that the benchmark continues where it was."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from .cells import Cell
from .ranking import TOP, ClassScores

USED = 0.2
"""A network uses a cue that turns at least this share of other classes' images into the class."""


@dataclass(frozen=True)
class ClassResult:
    """The scores of a class; those from `kind` on are None for a class without a cue.

    `precision` is the share of marked images among the first ten, or the first n if n < 10 are marked.
    """

    label: int
    score: float
    reported: bool | None
    kind: str | None = None
    share: float | None = None
    fooled: float | None = None
    n_marked: int | None = None
    precision: float | None = None
    average_precision: float | None = None

    @property
    def is_used(self) -> bool:
        """True if the class has a cue that the network uses."""
        return self.fooled is not None and self.fooled >= USED


@dataclass(frozen=True)
class NetworkResult:
    """A method on a network; `seconds` is processor time, without what other methods have computed before."""

    network: str
    half: str
    base: str
    method: str
    seconds: float
    accuracy: float
    classes: tuple[ClassResult, ...]

    @property
    def is_clean(self) -> bool:
        return all(one.kind is None for one in self.classes)

    @property
    def largest(self) -> float:
        """The largest score of any class."""
        return max(one.score for one in self.classes)

    def is_first(self, cell: ClassResult) -> bool:
        """True if a class has a larger score than each class without a cue.

        Other classes with cues do not take part: one of them may well be first, and of a cue that is used a little, it
        is not known where it should be.
        """
        return all(cell.score > one.score for one in self.classes if one.kind is None)


def score_network(cell: Cell, method: str, found: Iterable[ClassScores], seconds: float) -> NetworkResult:
    """Compare the answers of a method with the truth."""
    cues = {cue.label: cue for cue in cell.spec.cues}
    classes = []
    for one in sorted(found, key=lambda one: one.label):
        truth: dict[str, Any] = {}
        if one.label in cues:
            marked = np.isin(one.rows, cell.marked[one.label])
            count = min(TOP, int(marked.sum()))
            first = np.argsort(-one.values, kind="stable")[:count]
            truth = {
                "kind": cues[one.label].kind,
                "share": cues[one.label].share,
                "fooled": cell.fooled[one.label],
                "n_marked": int(marked.sum()),
                "precision": float(marked[first].mean()),
                "average_precision": float(average_precision_score(marked, one.values)),
            }
        classes.append(ClassResult(one.label, float(one.score), one.reported, **truth))
    if [one.label for one in classes] != list(range(len(cell.class_names))):
        raise ValueError(f"{method} on {cell.spec.name}: expected scores of each class once")
    spec = cell.spec
    return NetworkResult(spec.name, spec.half, spec.base, method, seconds, cell.accuracy, tuple(classes))


def write_result(folder: Path, result: NetworkResult) -> None:
    file = locate(folder, result.network, result.method)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(asdict(result)))
    part.replace(file)


def locate(folder: Path, network: str, method: str) -> Path:
    return folder / network / f"{method}.json"


def read_results(folder: Path, halves: Iterable[str]) -> list[NetworkResult]:
    """Read all results of the networks of some halves."""
    results = (parse_result(json.loads(file.read_text())) for file in sorted(folder.glob("*/*.json")))
    return [result for result in results if result.half in set(halves)]


def parse_result(stored: Mapping[str, Any]) -> NetworkResult:
    return NetworkResult(**{**stored, "classes": tuple(ClassResult(**one) for one in stored["classes"])})
