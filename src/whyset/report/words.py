"""Texts of the report, the same in every format."""

from collections.abc import Iterable, Sequence

from whyset.analysis.detail_contrast import read_contrast
from whyset.analysis.small_clusters import SMALL
from whyset.analysis.views import MAPS, describe_view
from whyset.report.class_rows import ClassRow, ClusterRow
from whyset.report.evidence_lines import describe_class, describe_evidence
from whyset.report.numbers import SIGNIFICANT, count, format_counts, number, percent, plural, small, with_interval
from whyset.report.relevance import describe_relevance
from whyset.report.report import Report
from whyset.store.evidence import ContrastTest

_CLASS_HEADINGS = ("class", "samples", "accuracy", "contrast", "separability", "p", "q", "stability", "clusters")
_CLUSTER_HEADINGS = (
    "cluster", "samples", "accuracy", "elsewhere", "p", "confidence", "coherence", "silhouette", "recovery",
    "separability",
)  # fmt: skip
LEGEND = (
    "Classes are ranked by contrast: how much more alike the details of the relevance maps are in one cluster than in "
    "the rest of the class. Separability: Fisher's discriminant between clusters. *: the clusters are disconnected in "
    "the neighbor graph, and this separability is not informative. p: share of surrogates of one group that fall apart "
    "as much as the class; q: p corrected for the number of views and classes. Stability: adjusted Rand index "
    "over subsamples. ~: the number of clusters is uncertain, because the eigengap is not the largest, as in a class "
    "with one strategy."
)


VIEW_LEGEND = (
    " Each class is ranked by its best view, in which its contrast is most unusual among all classes; the numbers are "
    "those of this view."
)


def class_headings(both: bool, views: bool = False) -> tuple[str, ...]:
    """Return the headings of the ranking; `both` adds a count of explanations to that of samples, `views` the view."""
    headings = _with_explanations(_CLASS_HEADINGS) if both else _CLASS_HEADINGS
    return (*headings, "view") if views else headings


def have_views(rows: Iterable[ClassRow]) -> bool:
    """True if classes are ranked by different views."""
    return len({row.view for row in rows}) > 1


def write_legend(rows: Iterable[ClassRow]) -> str:
    """Explain the columns of the ranking."""
    return LEGEND + (VIEW_LEGEND if have_views(rows) else "")


def cluster_headings(both: bool) -> tuple[str, ...]:
    """Return the headings of a table of clusters; `both` adds a count of explanations to that of samples."""
    return _with_explanations(_CLUSTER_HEADINGS) if both else _CLUSTER_HEADINGS


def _with_explanations(headings: tuple[str, ...]) -> tuple[str, ...]:
    return headings[0], "explanations", *headings[1:]


def _counts(both: bool, n_explanations: int, n_samples: int | None) -> tuple[str, ...]:
    return (count(n_explanations), count(n_samples)) if both else (count(n_samples),)


def class_cells(row: ClassRow, both: bool, views: bool = False) -> tuple[str, ...]:
    """Format the cells of a class, in the order of `class_headings`."""
    doubt, apart = "~" if row.eigengap_is_max is False else "", "*" if row.fully_disconnected else ""
    return (
        row.name,
        *_counts(both, row.n_explanations, row.n_samples),
        number(row.accuracy),
        number(row.detail_contrast),
        number(row.separability) + apart,
        small(row.p_value),
        small(row.q_value),
        number(row.stability),
        doubt + count(row.n_clusters),
        *((row.view or "",) if views else ()),  # its short name, since the table is wide
    )


def cluster_cells(row: ClusterRow, both: bool) -> tuple[str, ...]:
    """Format the cells of a cluster, in the order of `cluster_headings`."""
    evidence = row.evidence
    accuracy, confidence = (one or ContrastTest() for one in (evidence.accuracy_contrast, evidence.confidence_contrast))
    return (
        str(evidence.id),
        *_counts(both, evidence.n_explanations, evidence.n_samples),
        with_interval(evidence.composition.accuracy, accuracy.inside_interval),
        number(accuracy.outside),
        small(accuracy.p_value),
        with_interval(evidence.composition.mean_confidence, confidence.inside_interval),
        number(evidence.coherence),
        number(evidence.silhouette),
        number(evidence.recovery),
        number(evidence.separability),
    )


def counts_differ(rows: Iterable[ClassRow]) -> bool:
    """True if the number of explanations of any class differs from its number of samples."""
    return any(row.n_samples != row.n_explanations for row in rows if row.problem is None)


def summary(report: Report) -> str:
    """Summarize in one sentence what was explained, and by which method."""
    explained = f"{report.n_explained:,} of {report.n_explanations:,} explanations made"
    if report.n_samples == report.n_explanations:
        explained = f"{report.n_explained:,} of {plural(report.n_samples, 'sample')} explained"
    else:
        explained += f" for {plural(report.n_samples, 'sample')}"
    predicted = "; ".join(report.prediction_errors) or f"accuracy {number(report.accuracy)}"
    return (
        f"{explained}, {report.n_failed:,} failed; {predicted}; model {report.model}; "
        f"method {report.method}; analysis {report.analysis}."
    )


def suspicion(report: Report) -> str:
    """State which cluster to look at first and why, and whether its class is distinguishable from noise."""
    cluster = report.most_suspicious
    if cluster is None:
        return "No class has clusters."
    medoids = ", ".join(str(index) for index in cluster.evidence.medoids[:3])
    what = "samples" if report.n_samples == report.n_explanations else "explanations"
    return f"{reason_to_look(cluster, report.classes)} Most typical are the {what} {medoids}."


def evidence_lines(report: Report) -> list[str]:
    """Format all scores of the cluster to look at first, and of its class."""
    cluster = report.most_suspicious
    if cluster is None:
        return []
    of_class = describe_class(report.evidence[cluster.category])
    return [
        f"Cluster {cluster.evidence.id}: {_join(describe_evidence(cluster.evidence))}.",
        f"Class {cluster.class_name}: {_join(of_class)}.",
    ]


def _join(scores: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{label} {text}" for label, text in scores)


def reason_to_look(cluster: ClusterRow, classes: Sequence[ClassRow]) -> str:
    """State why to look at this cluster first."""
    evidence, accuracy = cluster.evidence, cluster.evidence.composition.accuracy
    kind = "small cluster" if cluster.clustering == SMALL else "cluster"
    view = _find_view(cluster, classes)
    text = f"{_noise(cluster, classes)}Look first at {kind} {evidence.id} of class {cluster.class_name}"
    text += "" if view is None else f" in the view {describe_view(view)}"
    text += f": {format_counts(evidence.n_explanations, evidence.n_samples)}"
    if read_contrast(cluster.evidence) is not None:
        text += _details(cluster, classes)
    elif evidence.coherence is not None:
        text += ", whose relevance maps are more alike than in the class's other clusters"
        text += f" (mean cosine {number(evidence.coherence)})"
    if accuracy is not None:
        counted = "them" if evidence.n_samples == evidence.n_explanations else "the samples"
        text += f"; {percent(accuracy)} of {counted} are predicted correctly"
    return f"{text}."


def _details(cluster: ClusterRow, classes: Sequence[ClassRow]) -> str:
    """State how alike the details of the cluster's maps are, and how this compares with the other classes."""
    here, elsewhere = cluster.evidence.detail_coherence, cluster.evidence.detail_coherence_elsewhere
    row = next((row for row in classes if row.id == cluster.category), None)
    shared = ", whose relevance maps share details" if _find_view(cluster, classes) is None else ", which are alike"
    text = f"{shared} (mean cosine {number(here)}, in the rest {number(elsewhere)}"
    if row is None or row.modified_z is None:
        return f"{text})"
    return f"{text}; modified z-score among the classes {number(row.modified_z)})"


def _find_view(cluster: ClusterRow, classes: Sequence[ClassRow]) -> str | None:
    """Return the view of the cluster's class; None for the maps, and for an analysis that does not name one."""
    found = (row.view for row in classes if row.id == cluster.category and row.view not in (MAPS, row.analysis))
    return next(found, None)


def _noise(cluster: ClusterRow, classes: Sequence[ClassRow]) -> str:
    """State that no class is distinguishable from noise, or that this cluster's class is not; empty if it is.

    A class with q < 0.05 is significant; the text is empty if the q-value of the class is unknown. It is also empty for
    a small cluster, which is tested by its effect in surrogates and not by the separability.
    """
    if cluster.clustering == SMALL:
        return ""
    q_value = next((row.q_value for row in classes if row.id == cluster.category), None)
    if q_value is None or q_value < SIGNIFICANT:
        return ""
    if any(row.q_value is not None and row.q_value < SIGNIFICANT for row in classes):
        return f"Class {cluster.class_name} does not stand out from noise (q = {q_value:.3f}), a later one does. "
    return f"No class stands out from noise (q = {q_value:.3f} for the first). "


def data_issues(report: Report) -> list[str]:
    """List the data issues, each once with the classes concerned."""
    classes: dict[str, list[str]] = {}
    for name, line in report.data_issues:
        classes.setdefault(line, []).append(name)
    return [f"{', '.join(names)}: {line}" for line, names in classes.items()]


def check_lines(report: Report) -> list[str]:
    """List the checks of the run, warnings first."""
    ordered = sorted(report.checks, key=lambda check: check.severity != "warning")
    return [f"{check.severity}: {check.message}" for check in ordered]


def relevance_rows(report: Report) -> tuple[tuple[str, str], ...]:
    """Return names and values of the relevance summary; empty if the run does not state it."""
    return () if report.relevance is None else describe_relevance(report.relevance)
