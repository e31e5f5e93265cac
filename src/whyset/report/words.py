"""Numbers and findings in words, the same in every format."""

from whyset.report.class_rows import ClassRow
from whyset.report.cluster_rows import ClusterRow

CLASS_HEADINGS = ("class", "samples", "accuracy", "separability", "p", "eigengap", "clusters")
LEGEND = (
    "Ranked by separability (Fisher's discriminant between clusters); p is its share under a null without clusters; "
    "~ marks an eigengap that is not the largest: such a class looks like one strategy."
)


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


def suspicion(cluster: ClusterRow) -> str:
    """Say which cluster to look at first, and why."""
    medoids = ", ".join(str(index) for index in cluster.medoids[:3])
    return (
        f"Look first at cluster {cluster.cluster} of class {cluster.class_name}: {cluster.size} samples whose maps are "
        f"the most alike in it (mean cosine {number(cluster.coherence)}), predicted right in "
        f"{number(cluster.accuracy)} of them; most typical are samples {medoids}."
    )
