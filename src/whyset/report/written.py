"""The report of a run as a value; how it looks is decided elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.report.class_rows import ClassRow, ranked_classes
from whyset.report.cluster_rows import ClusterRow, cluster_rows, most_suspicious
from whyset.report.enriched import enriched_attributes
from whyset.report.provenance import provenance
from whyset.store import DONE, Analysis, AnyPath, Category, Run, open_run


@dataclass(frozen=True)
class Report:
    """What there is to say about a run and one of its analyses.

    `explained` of the `samples` have an explanation, `failed` could not get one; with several targets per sample these
    count maps, one for each target. `accuracy` is over explained samples with a label. `treatment` holds what was done
    about unusual data, by the name of the class; `provenance` what run and analysis were made from.
    """

    run: str
    model: str
    analysis: str
    samples: int
    explained: int
    failed: int
    accuracy: float | None
    classes: tuple[ClassRow, ...]
    clusters: tuple[ClusterRow, ...]
    most_suspicious: ClusterRow | None
    treatment: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...] = ()
    targets_per_sample: int = 1

    def clusters_of(self, row: ClassRow) -> list[ClusterRow]:
        """Give the clusters of a class."""
        return [cluster for cluster in self.clusters if cluster.category == row.category]


def report(
    run: Run | str | AnyPath,
    analysis: Analysis | str | None = None,
    attributes: Mapping[str, NDArray[Any]] | None = None,
) -> Report:
    """Gather the report of a run and one of its analyses, by default the only one or the one called "spray".

    `attributes` are anything known of the samples, each an array over the rows of the run: their values are tested for
    enrichment in every cluster. InputError: one has another length.

    >>> print(as_text(report("runs/cifar")))                   # doctest: +SKIP
    """
    run = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    analysis = analysis if isinstance(analysis, Analysis) else run.analysis(analysis)
    attributes = attributes or {}
    _require_rows(run, attributes)
    explained = run.committed & (run.column("status") == DONE)
    each = run.config.targets_per_sample
    known = (explained & (run.labels >= 0))[::each]
    right = (run.column("prediction") == run.labels)[::each][known]
    classes = ranked_classes(analysis)
    categories = [analysis.category(row.category) for row in classes]
    return Report(
        run=str(run.path),
        model=run.config.model,
        analysis=analysis.name,
        samples=len(run),
        explained=int(explained.sum()),
        failed=len(run.failures),
        accuracy=float(np.mean(right)) if known.any() else None,
        classes=tuple(classes),
        clusters=tuple(row for category in categories for row in _clusters(run, category, attributes)),
        most_suspicious=most_suspicious(analysis),
        treatment=tuple((category.name, str(line)) for category in categories for line in _lines(category.info)),
        provenance=provenance(run, analysis),
        targets_per_sample=each,
    )


def _require_rows(run: Run, attributes: Mapping[str, NDArray[Any]]) -> None:
    for name, values in attributes.items():
        if np.shape(values) != (len(run),):
            raise InputError(
                f"attribute {name!r} has the shape {np.shape(values)}: expected one value for each of the {len(run)} "
                "rows of the run"
            )


def _clusters(run: Run, category: Category, attributes: Mapping[str, NDArray[Any]]) -> list[ClusterRow]:
    further = enriched_attributes(category, attributes)
    rows = cluster_rows(category, tuple(run.classes))
    return [replace(row, enriched=row.enriched + further.get(row.cluster, ())) for row in rows]


def _lines(info: object) -> list[object]:
    lines = info.get("treatment") if isinstance(info, dict) else None
    return lines if isinstance(lines, list) else []
