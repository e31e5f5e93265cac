"""How many classes an analysis has when it is finished: nothing in its folder tells, but what it groups by does."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import get_classes
from whyset.errors import WhysetError
from whyset.store import DONE
from whyset.store.jsonfile import JSON
from whyset.viewer.run_registry import LoadedRun

SMALL = 2**20
GROUPINGS = ("auto", "label", "prediction", "target")


def count_expected_classes(opened: LoadedRun, config: Mapping[str, JSON]) -> int | None:
    """The classes among the explained samples, as `whyset analyze` groups them; None: something else made the analysis.

    What it groups by is read as text from the configuration: no code that a run names is ever loaded.
    """
    by = _get_grouping(config)
    if by is None:
        return None
    if by not in opened.class_counts:
        try:
            classes = get_classes(opened.run, np.flatnonzero(opened.status == DONE), by, opened.column)
        except WhysetError:
            return None  # a column that an imported or damaged run does not have
        opened.class_counts[by] = _different(classes[classes >= 0])
    return opened.class_counts[by]


def _different(numbers: NDArray[np.int64]) -> int:
    """How many different ones there are; small ones, as classes are, are counted, which is faster than sorting them."""
    small = numbers < SMALL
    return int(np.count_nonzero(np.bincount(numbers[small]))) + len(np.unique(numbers[~small]))


def _get_grouping(config: Mapping[str, JSON]) -> str | None:
    pipeline = config.get("pipeline")
    fields = pipeline.get("fields") if isinstance(pipeline, dict) else None
    by = fields.get("group_by") if isinstance(fields, dict) else None
    return by if isinstance(by, str) and by in GROUPINGS else None
