"""The classes of an analysis, ranked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from whyset.store import Analysis, Category


@dataclass(frozen=True)
class ClassRow:
    """One class: its category's id and name, and its scores by the default clustering; None is not known.

    `clear` tells whether the eigengap is clear, `problem` why the class has no scores.
    """

    category: str
    name: str
    size: int
    accuracy: float | None
    separability: float | None
    p_value: float | None
    eigengap: float | None
    clusters: int | None
    clear: bool | None = None
    problem: str | None = None


def ranked_classes(analysis: Analysis) -> list[ClassRow]:
    """Give all classes, the most separable first, then by eigengap; those without scores come last."""
    return sorted((class_row(category) for category in analysis.categories), key=rank)


def class_row(category: Category) -> ClassRow:
    """Read the row of one class."""
    info: Mapping[str, Any] = category.info
    scores = info.get("scores") or {}
    separability, eigengap = scores.get("separability") or {}, scores.get("eigengap") or {}
    clustering = (info.get("clusterings") or {}).get(info.get("default_clustering")) or {}
    return ClassRow(
        category=category.id,
        name=category.name,
        size=int(info.get("size") or 0),
        accuracy=scores.get("accuracy"),
        separability=separability.get("value"),
        p_value=separability.get("p_value"),
        eigengap=eigengap.get("value"),
        clusters=len(clustering["clusters"]) if "clusters" in clustering else None,
        clear=eigengap.get("clear"),
        problem=category.problem or info.get("problem"),
    )


class Rankable(Protocol):
    """What a row needs to be ranked."""

    @property
    def separability(self) -> float | None: ...
    @property
    def eigengap(self) -> float | None: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def name(self) -> str: ...


def rank(row: Rankable) -> tuple[bool, float, float, str]:
    """Give the sort key of a class: the most separable first, then by eigengap; those without scores come last."""
    unscored = row.separability is None or row.problem is not None
    return unscored, -(row.separability or 0.0), -(row.eigengap or 0.0), row.name
