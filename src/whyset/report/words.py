"""Numbers and findings in words, the same in every format."""

from whyset.report.class_rows import ClassRow
from whyset.report.written import Report

CLASS_HEADINGS = ("class", "samples", "accuracy", "separability", "p", "eigengap", "clusters")
LEGEND = (
    "Ranked by separability (Fisher's discriminant between clusters). p: the share of data without clusters, but of "
    "the same covariance, that scores as high. ~ marks an eigengap that is not the largest, as where a class has one "
    "strategy."
)

SIGNIFICANT = 0.05


def number(value: float | None, digits: int = 2) -> str:
    """Write a number, or a dash where it is not known.

    >>> number(0.12345), number(None)
    ('0.12', '-')
    """
    return "-" if value is None else f"{value:.{digits}f}"


def class_cells(row: ClassRow) -> tuple[str, ...]:
    """Write the cells of a class, in the order of `CLASS_HEADINGS`."""
    doubt = "~" if row.clear is False else ""
    return (
        row.name,
        str(row.size),
        number(row.accuracy),
        number(row.separability),
        number(row.p_value, 3),
        doubt + number(row.eigengap, 3),
        "-" if row.clusters is None else str(row.clusters),
    )


def suspicion(report: Report) -> str:
    """Say which cluster to look at first and why, and whether its class stands out from noise at all."""
    cluster = report.most_suspicious
    if cluster is None:
        return "No class has clusters."
    p_value = next((row.p_value for row in report.classes if row.category == cluster.category), None)
    noise = (
        f"No class stands out from noise (p = {p_value:.3f} for the first). " if (p_value or 0) > SIGNIFICANT else ""
    )
    medoids = ", ".join(str(index) for index in cluster.medoids[:3])
    return (
        f"{noise}Look first at cluster {cluster.cluster} of class {cluster.class_name}: {cluster.size} samples, whose "
        f"maps are more alike than in the class's other clusters (mean cosine {number(cluster.coherence)}); "
        f"{number(cluster.accuracy)} of them are predicted right. Most typical are the samples {medoids}."
    )


def treatments(report: Report) -> list[str]:
    """Say what was treated, each thing once with all the classes it concerns."""
    classes: dict[str, list[str]] = {}
    for name, line in report.treatment:
        classes.setdefault(line, []).append(name)
    return [f"{', '.join(names)}: {line}" for line, names in classes.items()]
