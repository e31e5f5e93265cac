"""The ranking of classes over all views of an analysis, and the groups that several views find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from whyset.analysis.small_clusters import SMALL
from whyset.analysis.view_groups import MergedGroup, ViewGroup, merge_groups, read_groups, sort_groups
from whyset.analysis.views import MAPS, describe_view, get_base, get_view, list_different_options, list_family
from whyset.report.class_rows import (
    ClassRow,
    ClusterRow,
    Ranking,
    correct_for_classes,
    rank_classes,
    rank_key,
)
from whyset.report.numbers import number, plural
from whyset.store import Analysis, Run

_LOWEST = float("-inf")


@dataclass(frozen=True)
class FurtherGroup:
    """The most distinct group of a class in another view than the one that the class is ranked by."""

    category: str
    class_name: str
    view: str
    analysis: str
    clustering: str
    cluster: int
    n_explanations: int
    contrast: float | None
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = "small cluster" if self.clustering == SMALL else "cluster"
        also = f"; also in {', '.join(self.also)}" if self.also else ""
        return (
            f"{kind} {self.cluster} of {describe_view(self.view)}: {plural(self.n_explanations, 'explanation')}, "
            f"contrast {number(self.contrast)}{also}"
        )


@dataclass(frozen=True)
class ViewRanking(Ranking):
    """The ranked classes, each by its best view, with the analyses of all views by name."""

    analyses: Mapping[str, Analysis] | None = None


def rank_views(run: Run, analysis: Analysis) -> ViewRanking:
    """Rank all classes by their best views.

    The best view of a class is the one in which its contrast is most unusual among all classes: the modified z-score is
    compared, since contrasts of different views are not on one scale. Where it is unknown, as with fewer than three
    classes, it is the first view, as a rule the maps. Classes are then ranked as in one analysis, by this z-score in
    place of the contrast, and q-values are those of the p-values of these rows, one for each class. An analysis without
    further views, and that of a view other than maps, is ranked alone.
    """
    family = list_family(run, analysis) if get_base(analysis) == analysis.name else [analysis]
    rankings = [rank_classes(each) for each in family]
    own = rankings[[each.name for each in family].index(analysis.name)]
    analyses = {each.name: each for each in family}
    if len(family) == 1:
        return ViewRanking(own.rows, own.completeness, own.categories, analyses)
    rows = {row.id: [one for ranking in rankings for one in ranking.rows if one.id == row.id] for row in own.rows}
    best = [max(each, key=_prefer) for each in rows.values()]  # of equal ones, the first view
    best = correct_for_classes(best, own.completeness)
    ranked = tuple(replace(row, rank=rank) for rank, row in enumerate(sorted(best, key=_rank_key), 1))
    by_name = {each.name: ranking for each, ranking in zip(family, rankings, strict=True)}
    categories = {row.id: by_name[row.analysis or analysis.name].categories[row.id] for row in ranked}
    missing = tuple(_name_missing(each, by_name[each.name]) for each in family if by_name[each.name] is not own)
    others = tuple(_name_options(analysis, each) for each in family if each is not analysis)
    completeness = replace(own.completeness, of_views=tuple(filter(None, (*missing, *others))))
    return ViewRanking(ranked, completeness, categories, analyses)


def _name_missing(analysis: Analysis, ranking: Ranking) -> str:
    """State which classes of a view are not finished; nothing if all are."""
    unfinished = ranking.completeness.unfinished
    if not unfinished:
        return ""
    names = ", ".join(unfinished[:5]) + (", ..." if len(unfinished) > 5 else "")
    return f"the view {describe_view(get_view(analysis))} is not finished (not: {names}); analyze again to complete it"


def _name_options(analysis: Analysis, other: Analysis) -> str:
    """State the options in which the analysis of another view differs; nothing if there are none."""
    different = list_different_options(analysis, other)
    title = describe_view(get_view(other))
    return f"the view {title} was analyzed with other options ({', '.join(different)})" if different else ""


def _prefer(row: ClassRow) -> tuple[bool, float]:
    return row.separability is not None and row.problem is None, _z(row)


def _z(row: ClassRow) -> float:
    return _LOWEST if row.modified_z is None else row.modified_z


def _rank_key(row: ClassRow) -> tuple[object, ...]:
    unscored, tested, effect, *rest = rank_key(row)
    return unscored, tested, effect, -_z(row), *rest


def describe_groups(
    ranking: ViewRanking, clusters: Sequence[ClusterRow]
) -> tuple[tuple[ClusterRow, ...], tuple[FurtherGroup, ...]]:
    """Return the clusters with the views that find the same groups, and the most distinct groups of other views.

    A group that several views find is listed once.
    """
    if ranking.analyses is None or len(ranking.analyses) == 1:
        return tuple(clusters), ()
    rows, found, further = {row.id: row for row in ranking.rows}, [], []
    for id, row in rows.items():
        listed = [one for one in clusters if one.category == id]
        merged = _merge(ranking, row, listed)
        also = {(one.group.view, one.group.clustering, one.group.evidence.id): _name_views(one) for one in merged}
        found += [
            replace(one, also=also.get((row.view or MAPS, one.clustering, one.evidence.id), ())) for one in listed
        ]
        seen = {row.view}
        for one in merged:
            if one.group.view not in seen:
                seen.add(one.group.view)
                further.append(_describe(one))
    return tuple(found), tuple(further)


def _merge(ranking: ViewRanking, row: ClassRow, listed: Sequence[ClusterRow]) -> tuple[MergedGroup, ...]:
    """Merge the groups of a class over all views: those of its best view first, then by their contrast."""
    groups: list[ViewGroup] = []
    for analysis in (ranking.analyses or {}).values():
        category = next((one for one in analysis.categories if one.id == row.id), None)
        groups += [] if category is None else read_groups(analysis, category)
    names = {one.clustering for one in listed}
    own = [one for one in groups if one.analysis == row.analysis and one.clustering in names]
    return merge_groups([*own, *(one for one in sort_groups(groups) if one.analysis != row.analysis)])


def _name_views(merged: MergedGroup) -> tuple[str, ...]:
    """Name the other views with the Jaccard index, each once."""
    named: dict[str, str] = {}
    for group, overlap in merged.also:
        named.setdefault(group.view, f"{describe_view(group.view)} (Jaccard {number(overlap)})")
    return tuple(named.values())


def _describe(merged: MergedGroup) -> FurtherGroup:
    group = merged.group
    return FurtherGroup(
        category=group.category,
        class_name=group.class_name,
        view=group.view,
        analysis=group.analysis,
        clustering=group.clustering,
        cluster=group.evidence.id,
        n_explanations=len(group.rows),
        contrast=group.contrast,
        also=_name_views(merged),
    )
