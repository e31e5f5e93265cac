"""Numbers and findings in words, the same in every format."""

from collections.abc import Sequence

from whyset.report.class_rows import ClassRow
from whyset.report.cluster_rows import ClusterRow, Interval
from whyset.report.relevance import describe_relevance
from whyset.report.written import Report

CLASS_HEADINGS = ("class", "samples", "accuracy", "separability", "p", "q", "eigengap", "stability", "clusters")
CLUSTER_HEADINGS = (
    "cluster", "samples", "accuracy", "elsewhere", "p", "confidence", "coherence", "silhouette", "recovery",
    "separability",
)  # fmt: skip
LEGEND = (
    "Ranked by separability (Fisher's discriminant between clusters); * marks classes whose clusters fall apart "
    "completely: among these its rank means nothing. p: the share of data without clusters, but with the same values "
    "and correlations, that scores as high; q: p corrected for the number of classes. Stability: adjusted Rand index "
    "over subsamples. ~ marks an eigengap that is not the largest, as where a class has one strategy."
)

SIGNIFICANT = 0.05


def number(value: float | None, digits: int = 2) -> str:
    """Write a number, or a dash where it is not known.

    >>> number(0.12345), number(None)
    ('0.12', '-')
    """
    return "-" if value is None else f"{value:.{digits}f}"


def small(p_value: float | None) -> str:
    """Write a p-value: three digits, and as a bound where they would all be zero.

    >>> small(0.0421), small(1e-9)
    ('0.042', '<0.001')
    """
    return "<0.001" if p_value is not None and p_value < 0.001 else number(p_value, 3)


def with_p(p_value: float | None) -> str:
    """Write a p-value after its letter.

    >>> with_p(0.0421), with_p(1e-9)
    ('p = 0.042', 'p < 0.001')
    """
    told = small(p_value)
    return f"p {told[0]} {told[1:]}" if told.startswith("<") else f"p = {told}"


def with_interval(value: float | None, interval: Interval | None) -> str:
    """Write a number with its interval.

    >>> with_interval(0.5, (0.31, 0.69))
    '0.50 [0.31, 0.69]'
    """
    return number(value) if interval is None else f"{number(value)} [{interval[0]:.2f}, {interval[1]:.2f}]"


def class_cells(row: ClassRow) -> tuple[str, ...]:
    """Write the cells of a class, in the order of `CLASS_HEADINGS`."""
    doubt, apart = "~" if row.clear is False else "", "*" if row.apart else ""
    return (
        row.name,
        str(row.size),
        number(row.accuracy),
        number(row.separability) + apart,
        number(row.p_value, 3),
        number(row.q_value, 3),
        doubt + number(row.eigengap, 3),
        number(row.stability),
        "-" if row.clusters is None else str(row.clusters),
    )


def cluster_cells(row: ClusterRow) -> tuple[str, ...]:
    """Write the cells of a cluster, in the order of `CLUSTER_HEADINGS`."""
    return (
        str(row.cluster),
        str(row.size),
        with_interval(row.accuracy, row.accuracy_interval),
        number(row.accuracy_outside),
        small(row.accuracy_p),
        with_interval(row.mean_confidence, row.confidence_interval),
        number(row.coherence),
        number(row.silhouette),
        number(row.recovery),
        number(row.separability),
    )


def summary(report: Report) -> str:
    """Say in one sentence what was explained."""
    what = "samples" if report.targets_per_sample == 1 else "maps"
    return (
        f"{report.explained:,} of {report.samples:,} {what} explained, {report.failed:,} failed; "
        f"accuracy {number(report.accuracy)}; model {report.model}; analysis {report.analysis}."
    )


def suspicion(report: Report) -> str:
    """Say which cluster to look at first and why, and whether its class stands out from noise at all."""
    cluster = report.most_suspicious
    if cluster is None:
        return "No class has clusters."
    medoids = ", ".join(str(index) for index in cluster.medoids[:3])
    return f"{reason_to_look(cluster, report.classes)} Most typical are the samples {medoids}."


def reason_to_look(cluster: ClusterRow, classes: Sequence[ClassRow]) -> str:
    """Say why to look at this cluster before the others of all these classes."""
    told = f"{_noise(cluster, classes)}Look first at cluster {cluster.cluster} of class {cluster.class_name}: "
    told += f"{cluster.size} samples"
    if cluster.coherence is not None:
        told += ", whose maps are more alike than in the class's other clusters"
        told += f" (mean cosine {number(cluster.coherence)})"
    if cluster.accuracy is not None:
        told += f"; {100 * cluster.accuracy:.3g} % of them are predicted right"
    return f"{told}."


def _noise(cluster: ClusterRow, classes: Sequence[ClassRow]) -> str:
    """Say whether no class stands out from noise, or at least not that of the cluster; nothing if it does."""
    p_value = next((row.p_value for row in classes if row.category == cluster.category), None)
    if p_value is None or p_value <= SIGNIFICANT:
        return ""
    if any(row.p_value is not None and row.p_value <= SIGNIFICANT for row in classes):
        return f"Class {cluster.class_name} does not stand out from noise (p = {p_value:.3f}), a later one does. "
    return f"No class stands out from noise (p = {p_value:.3f} for the first). "


def treatments(report: Report) -> list[str]:
    """Say what was treated, each thing once with all the classes it concerns."""
    classes: dict[str, list[str]] = {}
    for name, line in report.treatment:
        classes.setdefault(line, []).append(name)
    return [f"{', '.join(names)}: {line}" for line, names in classes.items()]


def check_lines(report: Report) -> list[str]:
    """What is suspicious about the run, warnings first."""
    return [
        f"{check.severity}: {check.message}" for check in sorted(report.checks, key=lambda c: c.severity != "warning")
    ]


def relevance_rows(report: Report) -> tuple[tuple[str, str], ...]:
    """Names and values of how much relevance arrives; nothing where the run does not know."""
    return () if report.relevance is None else describe_relevance(report.relevance)
