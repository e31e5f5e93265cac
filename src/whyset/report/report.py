"""The report of a run as a value; other modules format it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.printable import short_dataclass_repr
from whyset.report.accuracy import compute_accuracy
from whyset.report.class_rows import ClassRow, ClusterRow, cluster_rows, first_suspicious, most_distinct
from whyset.report.conclusions import list_conclusions
from whyset.report.enrichment import find_enriched
from whyset.report.evaluations import ReportedEvaluation, read_evaluations
from whyset.report.findings import ReportedFindings, read_findings
from whyset.report.fixes import ReportedFixes, read_fixes
from whyset.report.provenance import describe_method, provenance
from whyset.report.relevance import RelevanceSummary, summarize_relevance
from whyset.report.view_ranking import FurtherGroup, describe_groups, rank_views
from whyset.store import DONE, Analysis, Category, Check, ClassEvidence, Run, open_run
from whyset.store.analyses import Completeness
from whyset.store.prediction_errors import describe_errors
from whyset.store.remote import AnyPath


@dataclass(frozen=True)
class Report:
    """Results of a run and one of its analyses.

    `n_explained` of the `n_explanations` are done and `n_failed` failed; with several targets each of the `n_samples`
    has several explanations. `accuracy` is over explained samples with a label; `prediction_errors` describe how well a
    model predicts that has no predicted classes, such as a regression. `evidence` is the full record of each class by
    its id, `data_issues` the treatment of unusual data by class name; `notices` state what is missing, outdated or
    unsealed; `provenance` lists the inputs of the run and the analysis. `checks` are warnings and notes about the run,
    `relevance` summarizes how much relevance arrives at the input, None if the run does not state it. `further` are the
    most distinct groups of views that a class is not ranked by. `findings` are groups of samples that share a piece of
    evidence, confirmed by experiments or not. `evaluations` are metrics of the explanations,
    `fixes` the fixes of findings, compared on held-out samples.
    """

    run: str
    model: str
    method: str
    analysis: str
    n_explanations: int
    n_samples: int
    n_explained: int
    n_failed: int
    accuracy: float | None
    classes: tuple[ClassRow, ...]
    completeness: Completeness
    clusters: tuple[ClusterRow, ...]
    evidence: Mapping[str, ClassEvidence]
    most_suspicious: ClusterRow | None
    data_issues: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...] = ()
    checks: tuple[Check, ...] = ()
    relevance: RelevanceSummary | None = None
    prediction_errors: tuple[str, ...] = ()
    findings: ReportedFindings = field(default_factory=lambda: ReportedFindings("findings"))
    further: tuple[FurtherGroup, ...] = ()
    evaluations: tuple[ReportedEvaluation, ...] = ()
    fixes: tuple[ReportedFixes, ...] = ()

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    @property
    def notices(self) -> tuple[str, ...]:
        """Missing, outdated or unsealed parts of the analysis."""
        return self.completeness.notices

    @property
    def conclusions(self) -> tuple[str, ...]:
        """Three sentences: what the model looks at, what proves it, what a fix did; empty without experiments."""
        return list_conclusions(self.run, self.findings, self.fixes)

    def get_clusters(self, row: ClassRow) -> list[ClusterRow]:
        """Return the clusters of a class."""
        return [cluster for cluster in self.clusters if cluster.category == row.id]

    def get_further(self, row: ClassRow) -> list[FurtherGroup]:
        """Return the most distinct groups of a class in other views."""
        return [group for group in self.further if group.category == row.id]


def report(
    run: Run | str | AnyPath,
    analysis: Analysis | str | None = None,
    attributes: Mapping[str, NDArray[Any]] | None = None,
    findings: str | None = None,
) -> Report:
    """Collect the report of a run and one of its analyses.

    If the analysis has several views, each class is reported by its best view, see `rank_views`.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    analysis : Analysis or str, optional
        An analysis of the run or its name, by default the only one or "spray".
    attributes : mapping of str to array (N,), optional
        Further attributes of the samples, for each of the N rows of the run; all rows of a sample have the same value.
        The values are tested for enrichment in every cluster.
    findings : str, optional
        The name of a search for findings, by default the only one or "findings".

    Returns
    -------
    Report
        The report as a value; `as_text`, `as_markdown`, `as_html` and `as_json` write it.

    Raises
    ------
    InputError
        The length of an attribute differs from that of the run, an attribute has several values for one sample, or the
        run has no findings of this name.

    Examples
    --------
    >>> report("runs/small").n_samples
    60
    """
    run = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    analysis = analysis if isinstance(analysis, Analysis) else run.analysis(analysis)
    attributes = attributes or {}
    _require_rows(run, attributes)
    explained = run.committed & (run.column("status") == DONE)
    ranking = rank_views(run, analysis)
    by_id = ranking.categories
    categories = [by_id[row.id] for row in ranking.rows]
    own = [row for category in categories for row in _clusters(run, category, attributes)]
    clusters, further = describe_groups(ranking, own)
    return Report(
        run=str(run.path),
        model=run.config.model,
        method=describe_method(run),
        analysis=analysis.name,
        n_explanations=len(run),
        n_samples=run.sample_count,
        n_explained=int(explained.sum()),
        n_failed=len(run.failures),
        accuracy=compute_accuracy(
            run.labels, run.column("prediction"), explained, targets_per_sample=run.config.targets_per_sample
        ),
        classes=ranking.rows,
        completeness=ranking.completeness,
        clusters=clusters,
        evidence={category.id: category.evidence for category in categories},
        most_suspicious=first_suspicious(ranking.rows, lambda id: most_distinct(by_id[id])),
        data_issues=tuple((category.name, line) for category in categories for line in category.evidence.data_issues),
        provenance=provenance(run, analysis),
        checks=run.checks,
        relevance=summarize_relevance(run),
        prediction_errors=tuple(describe_errors(run)),
        findings=read_findings(run, findings),
        further=further,
        evaluations=read_evaluations(run),
        fixes=read_fixes(run),
    )


def _require_rows(run: Run, attributes: Mapping[str, NDArray[Any]]) -> None:
    for name, values in attributes.items():
        if np.shape(values) != (len(run),):
            raise InputError(
                f"attribute {name!r} has the shape {np.shape(values)}: expected one value for each of the {len(run)} "
                "rows of the run"
            )
        _require_one_value(name, np.asarray(values).reshape(-1, run.config.targets_per_sample))


def _require_one_value(name: str, of_samples: NDArray[Any]) -> None:
    """Refuse an attribute (samples, targets) of explanations: a test that counts samples has no place for it."""
    first = of_samples[:, :1]
    both_known = (of_samples == of_samples) | (first == first)  # NaN differs from itself
    different = np.argwhere((of_samples != first) & both_known)
    if len(different):
        sample, target = different[0].tolist()
        row, values = sample * of_samples.shape[1], of_samples[sample].tolist()
        raise InputError(
            f"attribute {name!r} is {values[0]!r} in row {row} and {values[target]!r} in row "
            f"{row + target}, which explain the same sample: expected one value for each sample, in all of its rows"
        )


def _clusters(run: Run, category: Category, attributes: Mapping[str, NDArray[Any]]) -> list[ClusterRow]:
    further = find_enriched(category, attributes, targets_per_sample=run.config.targets_per_sample)
    rows = cluster_rows(category, tuple(run.classes))
    return [replace(row, enriched=row.enriched + further.get(row.evidence.id, ())) for row in rows]
