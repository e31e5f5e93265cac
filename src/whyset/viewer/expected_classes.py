"""Expected number of classes of a finished analysis, computed from the column that it groups by."""

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
    """Count the classes of the explained rows as `whyset analyze` groups them; None if another tool made the analysis.

    The column is read as text from the configuration; no code named by a run is loaded.
    """
    by = _get_grouping(config)
    if by is None:
        return None
    if by not in opened.class_counts:
        try:
            classes = get_classes(opened.run, np.flatnonzero(opened.status == DONE), by, opened.column)
        except WhysetError:
            return None  # an imported or damaged run may lack the column
        opened.class_counts[by] = _different(classes[classes >= 0])
    return opened.class_counts[by]


def _different(numbers: NDArray[np.int64]) -> int:
    """Count the distinct numbers; small ones, such as classes, are counted, which is faster than sorting."""
    small = numbers < SMALL
    return int(np.count_nonzero(np.bincount(numbers[small]))) + len(np.unique(numbers[~small]))


def _get_grouping(config: Mapping[str, JSON]) -> str | None:
    pipeline = config.get("pipeline")
    fields = pipeline.get("fields") if isinstance(pipeline, dict) else None
    by = fields.get("group_by") if isinstance(fields, dict) else None
    return by if isinstance(by, str) and by in GROUPINGS else None
