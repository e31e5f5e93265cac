"""Validation of the numbers in evidence: rows of the run, and clusters by their position."""

from collections.abc import Iterator

from whyset.store.evidence.records import ClassEvidence


def find_stranger(evidence: ClassEvidence, n_rows: int) -> str | None:
    """Find a number in the evidence that is out of range; None if all are valid.

    A negative number would index another row.
    """
    wrong = next((row for row in _rows(evidence) if not 0 <= row < n_rows), None)
    if wrong is not None:
        return f"its evidence names the explanation {wrong}: expected 0 to {n_rows - 1}"
    for name, clustering in evidence.clusterings.items():
        for place, cluster in enumerate(clustering.clusters):
            if cluster.id != place:
                return f"cluster {cluster.id} of {name} is at the position of cluster {place}"
    return None


def _rows(evidence: ClassEvidence) -> Iterator[int]:
    for clustering in evidence.clusterings.values():
        for cluster in clustering.clusters:
            yield from cluster.medoids
    if evidence.prototypes is not None:
        yield from evidence.prototypes.explanations
        yield from evidence.prototypes.outliers
