"""The ranking of classes, the clusters of a class, and the cluster to look at first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

from whyset.analysis.detail_contrast import modified_z, read_contrast
from whyset.analysis.scores import benjamini_hochberg
from whyset.analysis.small_clusters import SMALL
from whyset.analysis.views import get_view
from whyset.report.confirmed import read_confirmed
from whyset.report.enrichment import Enriched, name_enriched
from whyset.report.view_p_values import correct_for_views
from whyset.store import Analysis, Category, ClusterEvidence
from whyset.store.analyses import Completeness
from whyset.store.evidence.records import PYDANTIC

Found = TypeVar("Found")


@dataclass(frozen=True)
class ClassRow:
    """One class: its rank, the id and name of its category, and its scores by the default clustering.

    Unknown values are None. `detail_contrast` is the largest of its clusters, the coherence of the details inside minus
    that in the rest of the class; `modified_z` compares it with those of all classes. `confirmed_effect` is the effect
    of the class's evidence in an experiment, 0 if none was confirmed, and None if none was made. `p_corrected` is the
    p-value corrected for the number of views of the class, and `q_value` this one corrected for the number of classes;
    None, too, while classes are missing. `analysis` and `view` name the analysis that the scores are of, and its view.
    `eigengap_is_max` is False if the gap after the first eigenvalue is larger, as with one strategy.
    `fully_disconnected`: every cluster is a component of the neighbor graph, so separability is not informative.
    `problem` states why the class has no scores.
    """

    __pydantic_config__: ClassVar[Any] = PYDANTIC

    rank: int
    id: str
    name: str
    n_explanations: int
    n_samples: int | None
    accuracy: float | None = None
    confirmed_effect: float | None = None
    detail_contrast: float | None = None
    modified_z: float | None = None
    separability: float | None = None
    p_value: float | None = None
    p_corrected: float | None = None
    q_value: float | None = None
    eigengap: float | None = None
    eigengap_is_max: bool | None = None
    n_clusters: int | None = None
    stability: float | None = None
    silhouette: float | None = None
    n_connected_components: int | None = None
    fully_disconnected: bool = False
    problem: str | None = None
    analysis: str | None = None
    view: str | None = None


@dataclass(frozen=True)
class Ranking:
    """The ranked classes, and whether any are missing; `categories` are the results that the rows are of, by id."""

    rows: tuple[ClassRow, ...]
    completeness: Completeness
    categories: Mapping[str, Category] = field(default_factory=dict)


def rank_classes(analysis: Analysis) -> Ranking:
    """Rank all classes by `rank_key`; those without scores come last.

    The modified z-score is 0.6745 (x - median)/MAD of the contrast of details over the classes (Iglewicz, Hoaglin
    1993), where MAD is the median of |x - median|. The q-value is min over p₍ⱼ₎ ≥ p of p₍ⱼ₎ m / j for m classes
    (Benjamini, Hochberg 1995). It depends on the p-values of all classes, so it is None while one is missing. If the
    analysis has several views, p is that of Holm (1979) for the views of the class.

    Parameters
    ----------
    analysis : Analysis
        The analysis of a run.

    Returns
    -------
    Ranking
        The rows in order, and whether classes are missing.

    Examples
    --------
    >>> from whyset import open_run
    >>> ranking = rank_classes(open_run("runs/small").analysis())
    >>> ranking.rows[0].rank
    1
    """
    completeness = analysis.check()
    confirmed, corrected, view = read_confirmed(analysis), correct_for_views(analysis), get_view(analysis)
    rows = [
        replace(
            read_class_row(one),
            confirmed_effect=confirmed.get(one.id),
            p_corrected=corrected.get(one.id),
            analysis=analysis.name,
            view=view,
        )
        for one in analysis.categories
    ]
    by_id = {one.id: one for one in analysis.categories}
    return Ranking(rank_rows(rows, completeness), completeness, by_id)


def rank_rows(rows: Sequence[ClassRow], completeness: Completeness) -> tuple[ClassRow, ...]:
    """Sort the rows and set their ranks and, if no class is missing, their q-values."""
    rows = [row if row.p_corrected is not None else replace(row, p_corrected=row.p_value) for row in rows]
    z_scores = modified_z([None if row.problem else row.detail_contrast for row in rows])
    scored = [replace(row, modified_z=z) for row, z in zip(rows, z_scores, strict=True)]
    known = sorted(correct_for_classes(scored, completeness), key=rank_key)
    return tuple(replace(row, rank=rank) for rank, row in enumerate(known, 1))


def correct_for_classes(rows: Sequence[ClassRow], completeness: Completeness) -> list[ClassRow]:
    """Set the q-values of rows, one for each class; None while a class is missing."""
    q_values = benjamini_hochberg(
        [None if row.problem else row.p_corrected for row in rows]
    )  # an outdated p-value does not count
    if completeness.reason_without_q is not None:
        q_values = [None] * len(rows)
    return [replace(row, q_value=q) for row, q in zip(rows, q_values, strict=True)]


def read_class_row(category: Category) -> ClassRow:
    """Read the row of one class; rank and q-value need all classes, and are 0 and None."""
    evidence, clustering = category.evidence, category.evidence.clustering
    n_clusters = None if clustering is None else len(clustering.clusters)
    components = evidence.graph.n_connected_components
    stability = None if clustering is None else clustering.stability
    return ClassRow(
        rank=0,
        id=category.id,
        name=category.name,
        n_explanations=evidence.n_explanations,
        n_samples=evidence.n_samples,
        accuracy=evidence.composition.accuracy,
        detail_contrast=_largest(read_contrast(row.evidence) for row in _list_clusters(category)),
        separability=evidence.separability.value,
        p_value=evidence.separability.p_value,
        eigengap=evidence.eigengap.value,
        eigengap_is_max=evidence.eigengap.is_max,
        n_clusters=n_clusters,
        stability=None if stability is None else stability.adjusted_rand,
        silhouette=None if clustering is None else clustering.silhouette,
        n_connected_components=components,
        fully_disconnected=n_clusters is not None and 2 <= n_clusters <= (components or 1),
        problem=category.problem or evidence.problem,
    )


def rank_key(row: ClassRow) -> tuple[bool, float, float, float, float, float, str]:
    """Return the key by which classes are sorted, the most suspicious first.

    A class whose evidence was confirmed by experiment comes before all that were not tested, and these before one whose
    evidence was not confirmed. Among equal ones the contrast of details decides, then separability and eigengap.
    Separability alone would put classes with well separated natural poses first.
    """
    unscored = row.separability is None or row.problem is not None
    tested = {None: 1.0, 0.0: 2.0}.get(row.confirmed_effect, 0.0)
    scores = (row.confirmed_effect, row.detail_contrast, row.separability, row.eigengap)
    effect, details, separability, eigengap = (-_or_lowest(score) for score in scores)
    return unscored, tested, effect, details, separability, eigengap, row.name


@dataclass(frozen=True)
class ClusterRow:
    """One cluster of a class's default clustering: its evidence and its enriched attribute values.

    `also` are the other views in which the same group of samples is a cluster, in words.
    """

    category: str
    class_name: str
    clustering: str
    evidence: ClusterEvidence
    enriched: tuple[Enriched, ...] = ()
    also: tuple[str, ...] = ()


def cluster_rows(category: Category, class_names: tuple[str, ...] = ()) -> list[ClusterRow]:
    """Return the clusters of a class, the largest first; `class_names` are the names of labels and predictions."""
    return _read_clusters(category, category.evidence.default_clustering, class_names)


def _read_clusters(category: Category, name: str | None, class_names: tuple[str, ...] = ()) -> list[ClusterRow]:
    clustering = category.evidence.clusterings.get(name or "")
    if clustering is None or name is None:
        return []
    return [
        ClusterRow(category.id, category.name, name, cluster, name_enriched(cluster.enrichment, class_names))
        for cluster in clustering.clusters
    ]


def _list_clusters(category: Category) -> list[ClusterRow]:
    """Return the clusters that are compared: those of the default clustering, and the small ones."""
    return [*cluster_rows(category), *_read_clusters(category, SMALL)]


def most_suspicious(analysis: Analysis) -> ClusterRow | None:
    """Return the cluster to look at first: the most distinct one of the first class that has clusters; None without.

    A shortcut has the same place and appearance in all samples, so the details of its relevance maps are more alike
    than those of objects.
    """
    return first_suspicious(rank_classes(analysis).rows, lambda id: most_distinct(analysis.category(id)))


def first_suspicious(ranked: Iterable[ClassRow], found_in: Callable[[str], Found | None]) -> Found | None:
    """Return the first result of `found_in` that is not None, over the ranked classes without a problem."""
    found = (found_in(row.id) for row in ranked if row.problem is None)
    return next((each for each in found if each is not None), None)


def most_distinct(category: Category) -> ClusterRow | None:
    """Return the cluster of a class with the largest contrast of details, or None if the class has no clusters.

    In an analysis of an earlier version, which has no details, it is the cluster with the most similar relevance maps.
    """
    rows = _list_clusters(category)
    if any(read_contrast(row.evidence) is not None for row in rows):
        return max(rows, key=lambda row: _or_lowest(read_contrast(row.evidence)))
    return max(rows, key=lambda row: _or_lowest(row.evidence.coherence), default=None)


def _largest(scores: Iterable[float | None]) -> float | None:
    return max((score for score in scores if score is not None), default=None)


_LOWEST = -2.0  # cosines differ by at most 2, and the other scores are not negative


def _or_lowest(score: float | None) -> float:
    return _LOWEST if score is None else score
