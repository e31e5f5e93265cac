"""The effects that experiments have confirmed, for the ranking of classes."""

from collections.abc import Mapping

from whyset.analysis.views import get_grouping
from whyset.errors import BrokenRunError, InputError
from whyset.store import Analysis, open_run

_LIKE_EFFECTS = ("auto", "label")
"""The groupings of an analysis whose classes are those of a test of effects."""


def read_confirmed(analysis: Analysis) -> Mapping[str, float]:
    """Return the largest confirmed effect of each searched class by its id, 0 if there is no suspicion.

    Classes that were not searched are left out, and all if the findings are outdated or damaged, or if the analysis
    groups samples in another way than by their labels.
    """
    if get_grouping(analysis) not in _LIKE_EFFECTS:
        return {}
    try:
        findings = open_run(analysis.path.parent.parent).findings()
    except (InputError, BrokenRunError):  # none yet, or the report has a notice
        return {}
    if findings.problem is not None or findings.outdated:
        return {}
    found = {one.id: 0.0 for one in analysis.categories if one.id not in findings.not_searched}
    for finding in findings:
        if finding.kind == "suspicion" and finding.effect is not None and finding.class_id in found:
            found[finding.class_id] = max(found[finding.class_id], finding.effect.difference.value)
    return found
