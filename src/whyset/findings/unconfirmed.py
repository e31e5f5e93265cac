"""Findings of an analysis alone, where no experiment can confirm them."""

from collections.abc import Iterator

from whyset.analysis.detail_contrast import STANDS_OUT, modified_z, read_contrast
from whyset.analysis.small_clusters import SMALL
from whyset.effects.intervals import estimate_fraction
from whyset.errors import BrokenRunError, InputError
from whyset.store import Analysis, Category, ClusterEvidence, Run
from whyset.store.findings import Finding


def list_unconfirmed(run: Run, reason: str) -> tuple[Finding, ...]:
    """List the clusters that stand out in the default analysis of a run, by their contrast of details.

    A cluster stands out if its class does: the modified z-score of its contrast, compared with the other classes, is at
    least 3.5. Without an analysis the list is empty.

    Parameters
    ----------
    run : Run
        The run.
    reason : str
        Why no experiment could confirm them.

    Returns
    -------
    tuple of Finding
        The findings, the largest z-score first.
    """
    try:
        analysis = run.analysis()
    except (InputError, BrokenRunError):
        return ()
    found = [(category, _find_distinct(category)) for category in analysis.categories if category.problem is None]
    scores = modified_z([None if best is None else read_contrast(best[1]) for _, best in found])
    ranked = sorted(zip(scores, found, strict=True), key=lambda one: -(one[0] or 0.0))
    return tuple(
        _make(run, analysis, category, *best, z, reason)
        for z, (category, best) in ranked
        if best is not None and z is not None and z >= STANDS_OUT
    )


def _find_distinct(category: Category) -> tuple[str, ClusterEvidence] | None:
    """Return the cluster of a class with the largest contrast of details, and the name of its clustering."""
    known = [each for each in _list_clusters(category) if read_contrast(each[1]) is not None]
    return max(known, key=lambda each: read_contrast(each[1]) or 0.0, default=None)


def _list_clusters(category: Category) -> Iterator[tuple[str, ClusterEvidence]]:
    evidence = category.evidence
    for name in (evidence.default_clustering or "", SMALL):
        if name in evidence.clusterings:
            yield from ((name, cluster) for cluster in evidence.clusterings[name].clusters)


def _make(
    run: Run, analysis: Analysis, category: Category, clustering: str, cluster: ClusterEvidence, z: float, reason: str
) -> Finding:
    rows, numbers = category.column("index"), category.column(f"clustering.{clustering}")
    inside = numbers == cluster.id
    return Finding(
        class_id=category.id,
        class_name=category.name,
        kind="not_confirmed",
        reason=reason,
        intervention=None,
        text=f"cluster {cluster.id} of {clustering} in the analysis {analysis.name}",
        null_text="",
        seeds=(),
        rows=tuple(int(row) for row in rows[inside]),
        n_samples=len(rows),
        scores=(round(z, 3),) * int(inside.sum()),
        others_share=None,
        specificity=None,
        effect=None,
        prevalence=estimate_fraction(inside),
        score=None,
        place=None,
        modality=run.modality,
    )
