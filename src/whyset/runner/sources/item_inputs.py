"""The inputs of a model in the item of a data set: a mapping, a tuple, or a single array."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from whyset.runner.sources.dataset import LABEL_KEYS, split

Key = str | int


def take_apart(item: Any) -> tuple[dict[Key, Any], Any]:
    """Return the inputs of an item by name or position, and its label or None.

    An item is a mapping, (mapping, label), ((a, b), label), (a, b, ..., label), or one that has a single input. Of
    several arrays in a flat tuple, the last value is the label.

    >>> take_apart((torch.zeros(3), torch.ones(3), 1))
    ({0: tensor([0., 0., 0.]), 1: tensor([1., 1., 1.])}, 1)
    """
    if isinstance(item, Mapping):
        label = next((item[key] for key in LABEL_KEYS if key in item), None)
        return {key: value for key, value in item.items() if key not in LABEL_KEYS}, label
    if not isinstance(item, tuple | list) or not item or all(isinstance(value, int) for value in item):
        return {0: item}, None
    if isinstance(item[0], Mapping):
        return dict(item[0]), item[1] if len(item) > 1 else None
    if isinstance(item[0], tuple | list) and item[0] and all(map(is_array, item[0])):
        return dict(enumerate(item[0])), item[1] if len(item) > 1 else None
    if len(item) > 2 and is_array(item[1]):
        return dict(enumerate(item[:-1])), item[-1]
    value, label = split(item)
    return {0: value}, label


def is_array(value: Any) -> bool:
    """True for tensors, arrays and lists of numbers with at least one axis."""
    if isinstance(value, list | tuple):
        return len(value) > 0 and (isinstance(value[0], bool | int | float) or is_array(value[0]))
    return isinstance(value, Tensor | np.ndarray) and value.ndim > 0


def is_numeric(value: Any) -> bool:
    """True for what a model can take: arrays of numbers, numbers, and images, which become numbers."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biuf"
    return isinstance(value, Tensor | Image.Image | bool | int | float) or is_array(value)


def is_ids(value: Any) -> bool:
    """True for the ids of a text's tokens: integers on one axis, none of them perhaps."""
    if isinstance(value, list | tuple):
        return all(isinstance(one, int) and not isinstance(one, bool) for one in value)
    return isinstance(value, Tensor | np.ndarray) and value.ndim == 1 and "int" in str(value.dtype)


@dataclass(frozen=True)
class TakeExplained:
    """Splits an item into (explained input, label)."""

    key: Key

    def __call__(self, item: Any) -> tuple[Any, Any]:
        inputs, label = take_apart(item)
        return inputs[self.key], label
