"""The true objects of an image: their classes and boxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyset.errors import InputError


@dataclass(frozen=True)
class ObjectLabels:
    """The class and the box of each object of an image; a box is left, top, right, bottom in pixels of the input.

    >>> ObjectLabels.of({"labels": [2], "boxes": [[0, 1, 5, 4]]})
    ObjectLabels(classes=(2,), boxes=((0.0, 1.0, 5.0, 4.0),))
    """

    classes: tuple[int, ...]
    boxes: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, label: Mapping[str, Any]) -> "ObjectLabels":
        """Read a label as detectors of torchvision take it, {"boxes": (M, 4), "labels": (M,)}.

        InputError: it has other shapes, or the classes are not whole numbers.
        """
        classes, boxes = (_as_array(label[name]) for name in ("labels", "boxes"))
        if classes.size == 0 and boxes.size == 0:
            return cls((), ())
        if classes.ndim != 1 or boxes.shape != (len(classes), 4) or classes.dtype.kind not in "iu":
            raise InputError(
                f"labels {classes.dtype} {classes.shape} and boxes {boxes.dtype} {boxes.shape} of an image: expected "
                "the class of each of M objects as whole numbers (M,), and boxes (M, 4)"
            )
        return cls(tuple(classes.tolist()), tuple(map(tuple, boxes.astype(np.float64).tolist())))


def are_object_labels(label: object) -> bool:
    """True if a label has the form of `ObjectLabels.of`."""
    return isinstance(label, Mapping) and "boxes" in label and "labels" in label


def _as_array(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
