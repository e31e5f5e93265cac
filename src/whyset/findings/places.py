"""Where evidence is in a sample: its bounds, and the place in words where the bounds of several samples agree."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from whyset.interventions import Evidence, Frame, Region
from whyset.modality import IMAGE, SERIES

Bounds = tuple[tuple[int, int], ...]

_SPREAD = 0.1
"""Centers agree if their standard deviation along each axis is at most this share of its length."""
_ALONE = {"upper": "top", "lower": "bottom"}
_WORDS = {IMAGE: (("upper", "", "lower"), ("left", "", "right")), SERIES: (("beginning", "middle", "end"),)}


def find_bounds(intervention: object, evidence: Evidence, x: Tensor) -> Bounds | None:
    """Return the first position and the one after the last along each axis of positions, for one sample.

    None if the evidence is not a part of the positions, such as a statistic, channels, or a frame.
    """
    if not isinstance(evidence, Region) or isinstance(intervention, Frame):
        return None
    axis = 1 if x.dim() == 2 else 2  # texts and tables have no channels
    if evidence.mask.dim() != x.dim() or evidence.mask.shape[axis:] != x.shape[axis:]:
        return None
    positions = evidence.mask[0] if axis == 1 else evidence.mask[0].any(0)
    if not bool(positions.any()):
        return None
    found = []
    for dim in range(positions.dim()):
        others = tuple(other for other in range(positions.dim()) if other != dim)
        along = (positions.any(others) if others else positions).nonzero().flatten()
        found.append((int(along[0]), int(along[-1]) + 1))
    return tuple(found)


def name_place(bounds: Sequence[Bounds | None], sides: Sequence[int], modality: str) -> str | None:
    """Return the third of each axis in which the centers of regions agree, such as "upper right"; None if they do not.

    >>> name_place([((0, 6), (26, 32)), ((1, 7), (25, 31))], (32, 32), "image")
    'upper right'
    """
    words = _WORDS.get(modality)
    known = [one for one in bounds if one is not None]
    if words is None or len(known) < 2 or len(known) < len(bounds) or len(known[0]) != len(words):
        return None
    centers = np.array([[(first + end) / 2 for first, end in one] for one in known]) / np.array(sides)
    if (centers.std(0) > _SPREAD).any():
        return None
    thirds = np.clip((3 * centers.mean(0)).astype(int), 0, 2)
    named = " ".join(filter(None, (axis[third] for axis, third in zip(words, thirds, strict=True))))
    return _ALONE.get(named, named) or "center"
