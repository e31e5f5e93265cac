"""Groups of samples that the views of a run find, each once though several views may find it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.detail_contrast import read_contrast
from whyset.analysis.small_clusters import SMALL
from whyset.analysis.views import get_view, list_family
from whyset.store import Analysis, Category, Run, open_run
from whyset.store.evidence import ClusterEvidence
from whyset.store.remote import AnyPath

SAME_GROUP = 0.5
"""The Jaccard index from which two clusters are the same group: most samples of their union are in both."""


@dataclass(frozen=True, eq=False)
class ViewGroup:
    """A cluster of a class in one view.

    Parameters
    ----------
    category : str
        The id of the class in the analysis.
    class_name : str
        The name of the class.
    view : str
        The name of the view.
    analysis : str
        The name of the analysis of the view.
    clustering : str
        The name of the clustering: the default one, or "small".
    rows : ndarray of int64, shape (n,)
        The rows of the run in the cluster, ascending.
    evidence : ClusterEvidence
        The evidence for the cluster in this view.
    p_value : float, default None
        The p-value of the separability of the class in this view, not corrected.
    """

    category: str
    class_name: str
    view: str
    analysis: str
    clustering: str
    rows: NDArray[np.int64]
    evidence: ClusterEvidence
    p_value: float | None = None

    @property
    def contrast(self) -> float | None:
        """The contrast of details: their coherence in the cluster minus that in the rest of the class."""
        return read_contrast(self.evidence)

    def jaccard(self, other: "ViewGroup") -> float:
        """Return the Jaccard index of the rows: the size of the intersection divided by that of the union."""
        return compute_jaccard(self.rows, other.rows)


@dataclass(frozen=True, eq=False)
class MergedGroup:
    """A group of samples, and the same group in other views.

    Parameters
    ----------
    group : ViewGroup
        The group in the view in which it comes first.
    also : tuple of (ViewGroup, float), default ()
        The same group in other views with the Jaccard index, the most similar first.
    """

    group: ViewGroup
    also: tuple[tuple[ViewGroup, float], ...] = ()


def compute_jaccard(rows: NDArray[np.int64], others: NDArray[np.int64]) -> float:
    """Return the Jaccard index of two groups of distinct rows."""
    common = len(np.intersect1d(rows, others, assume_unique=True))
    return common / (len(rows) + len(others) - common)


def list_groups(
    run: Run | str | AnyPath, analysis: Analysis | str | None = None
) -> Mapping[str, tuple[ViewGroup, ...]]:
    """List the clusters of each class in all views.

    They are those of the default clustering and the small ones, without noise.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    analysis : Analysis or str, optional
        The analysis of maps, or that of one of the views; by default as for `Run.analysis`.

    Returns
    -------
    Mapping of str to tuple of ViewGroup
        The clusters by the id of their class, those with the largest contrast first. Classes that could not be analyzed
        in a view have none of it.

    Raises
    ------
    InputError
        The run has no such analysis.

    Examples
    --------
    >>> groups = list_groups("runs/small")
    >>> sorted({group.view for groups_of_class in groups.values() for group in groups_of_class})
    ['maps', 'spectrum']
    """
    run = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    analysis = analysis if isinstance(analysis, Analysis) else run.analysis(analysis)
    found: dict[str, list[ViewGroup]] = {}
    for each in list_family(run, analysis):
        for category in each.categories:
            found.setdefault(category.id, []).extend(read_groups(each, category))
    return {id: sort_groups(groups) for id, groups in sorted(found.items())}


def read_groups(analysis: Analysis, category: Category) -> list[ViewGroup]:
    """Read the clusters of a class in the view of this analysis; a class with a problem has none."""
    if category.problem is not None or category.evidence.problem is not None:
        return []
    index, evidence, view = np.asarray(category.column("index"), np.int64), category.evidence, get_view(analysis)
    found = []
    for name in dict.fromkeys((evidence.default_clustering, SMALL)):
        clustering = evidence.clusterings.get(name or "")
        if name is None or clustering is None:
            continue
        labels = category.column(f"clustering.{name}")
        found += [
            ViewGroup(
                category=category.id,
                class_name=category.name,
                view=view,
                analysis=analysis.name,
                clustering=name,
                rows=np.sort(index[labels == cluster.id]),
                evidence=cluster,
                p_value=evidence.separability.p_value,
            )
            for cluster in clustering.clusters
        ]
    return found


def sort_groups(groups: Sequence[ViewGroup]) -> tuple[ViewGroup, ...]:
    """Sort by contrast, the largest first; groups without one are last."""
    return tuple(sorted(groups, key=lambda one: (one.contrast is None, -(one.contrast or 0.0))))


def merge_groups(groups: Sequence[ViewGroup]) -> tuple[MergedGroup, ...]:
    """List each group once, at its first place, with the other views in which it was found.

    A group is the same as an earlier one of another view if the Jaccard index of both is at least a half, and that with
    no other earlier one is larger.

    Parameters
    ----------
    groups : sequence of ViewGroup
        The groups of one class, in the order in which they are listed.

    Returns
    -------
    tuple of MergedGroup
        Each group once.

    Examples
    --------
    >>> len(merge_groups(list_groups("runs/small")["00000"])) > 0
    True
    """
    merged: list[MergedGroup] = []
    for group in groups:
        overlaps = [one.group.jaccard(group) if one.group.view != group.view else 0.0 for one in merged]
        best = int(np.argmax(overlaps)) if overlaps else 0
        if not overlaps or overlaps[best] < SAME_GROUP:
            merged.append(MergedGroup(group))
            continue
        also = (*merged[best].also, (group, overlaps[best]))
        merged[best] = MergedGroup(merged[best].group, tuple(sorted(also, key=lambda one: -one[1])))
    return tuple(merged)
