"""The classes of an analysis, ranked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from whyset.analysis.scores import benjamini_hochberg
from whyset.store import Analysis, Category


@dataclass(frozen=True)
class ClassRow:
    """One class: its category's id and name, and its scores by the default clustering; None is not known.

    `clear` tells whether the eigengap is clear, `problem` why the class has no scores. `q_value` is the p-value
    corrected for the number of classes, `components` the number of pieces that the neighbour graph falls into.
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
    q_value: float | None = None
    stability: float | None = None
    silhouette: float | None = None
    components: int | None = None

    @property
    def apart(self) -> bool:
        """Whether every cluster is a component of its own: then the separability says no more than that."""
        return self.clusters is not None and 2 <= self.clusters <= (self.components or 1)


def ranked_classes(analysis: Analysis) -> list[ClassRow]:
    """Give all classes, the most separable first, then by eigengap; those without scores come last."""
    rows = [class_row(category) for category in analysis.categories]
    q_values = benjamini_hochberg([row.p_value for row in rows])
    return sorted((replace(row, q_value=q) for row, q in zip(rows, q_values, strict=True)), key=rank)


def class_row(category: Category) -> ClassRow:
    """Read the row of one class; its q-value needs the others, and is None."""
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
        stability=(clustering.get("stability") or {}).get("adjusted_rand"),
        silhouette=clustering.get("silhouette"),
        components=info.get("components"),
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
