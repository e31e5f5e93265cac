"""The p-values of classes, corrected for the number of views in which each class was tested."""

from collections.abc import Mapping

from whyset.analysis.scores.inference import holm
from whyset.analysis.views import list_family
from whyset.store import Analysis, Category, open_run


def correct_for_views(analysis: Analysis) -> Mapping[str, float | None]:
    """Return the p-value of each class of an analysis by its id, corrected for the views of the class (Holm 1979).

    A view that is not finished for the class counts as one with p = 1, so that the corrected value cannot be smaller
    than it will be. One in which the class cannot be tested does not count.
    """
    family = list_family(open_run(analysis.path.parent.parent), analysis)
    if len(family) == 1:
        return {one.id: one.evidence.separability.p_value for one in analysis.categories}
    own = [one.name for one in family].index(analysis.name)
    tables = [{one.id: one for one in each.categories} for each in family]
    return {
        category.id: holm([_read_p_value(table.get(category.id)) for table in tables])[own]
        for category in analysis.categories
    }


def _read_p_value(category: Category | None) -> float | None:
    if category is None:
        return None
    return 1.0 if category.problem is not None else category.evidence.separability.p_value
