"""Choice of a model's inputs among those of a sample, and of the one that is explained."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.runner.sources.dataset import IMAGE_KEYS
from whyset.runner.sources.item_inputs import Key, is_array, is_ids, is_numeric

NO_IDS = ("mask", "type", "position")
"""Parts of the names of integers that are not ids of tokens."""
TYPES = "token_type_ids"
ALIGNED = ("attention_mask", TYPES, "position_ids")
"""Names of inputs with a value for each token."""
MASK = "attention_mask"


@dataclass(frozen=True)
class ForwardInputs:
    """The inputs that a model's forward takes: the `names` of its parameters in order.

    `is_open`: further names are taken as well, by **kwargs.
    """

    model: str
    names: tuple[str, ...]
    needed: tuple[str, ...] = ()
    is_open: bool = False

    @classmethod
    def of(cls, model: nn.Module) -> "ForwardInputs":
        """Read the signature of a model's forward; keyword arguments of a fixed set of names do not make it open."""
        try:
            parameters = inspect.signature(model.forward).parameters.values()
        except (TypeError, ValueError):  # a forward that is not a Python function has no signature
            return cls(type(model).__name__, ())
        named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        return cls(
            type(model).__name__,
            tuple(one.name for one in named),
            tuple(one.name for one in named if one.default is one.empty),
            any(one.kind is one.VAR_KEYWORD and "Unpack" not in str(one.annotation) for one in parameters),
        )

    def __contains__(self, name: object) -> bool:
        return name in self.names or (self.is_open and bool(name))

    def __str__(self) -> str:
        return f"{self.model}.forward takes {', '.join(self.names)}{' and others' if self.is_open else ''}"


@dataclass(frozen=True)
class InputChoice:
    """The keys of a sample that are inputs of the model, each with its name there, and the explained one.

    `is_alone` is True for the only input, which the model takes by position, and which is not a text.
    """

    names: Mapping[Key, str]
    key: Key
    is_alone: bool = False

    @property
    def explained(self) -> str:
        return self.names[self.key]


def choose_inputs(inputs: Mapping[Key, Any], forward: ForwardInputs, given: str | int | None) -> InputChoice | None:
    """Choose the inputs of a sample that the model takes, and the one that is explained: the `given` one, or by kind.

    By default it is an image, the ids of a text's tokens, or the first floating point input. None if there is none of
    these, or if the model does not name its inputs.

    InputError: an array is not an input of the model, the model needs another input, or the explained one is missing.
    """
    numeric = {key: value for key, value in inputs.items() if is_numeric(value)}
    names = _name_inputs(numeric, forward)
    key = _choose_explained(numeric, names, given)
    if key is None:
        return None
    taken = {one: name for one, name in names.items() if name in forward}
    left = [one for one, value in numeric.items() if one not in taken and is_array(value) and one != key]
    if key not in taken:
        plain = key in IMAGE_KEYS or isinstance(numeric[key], Image.Image)
        if taken or (left and (is_ids(numeric[key]) or not plain)):
            raise InputError(
                f"the samples have the inputs {_list(numeric)}, but {forward}: rename the input {key!r} as the model "
                "does, or choose another one by input= (--input)"
            )
        if not forward.names:
            return None
        return InputChoice({key: forward.names[0]}, key, given is None and not is_ids(numeric[key]))
    if left:
        raise InputError(
            f"the samples have the inputs {_list(numeric)}, but {forward}, not {_list(left)}: leave that out of the "
            "samples (remove_columns of a Hugging Face data set), or give a model that takes it"
        )
    made = MASK if is_ids(numeric[key]) else None
    missing = [name for name in forward.needed if name not in taken.values() and name != made]
    if missing and len(numeric) > 1:
        raise InputError(
            f"{forward}, and needs {_list(missing)}, but the samples have the inputs {_list(numeric)}: add it to the "
            "samples, or give it a default value in forward"
        )
    first = next(iter(forward.names), "")
    alone = len(taken) == 1 and given is None and names[key] == first and not is_ids(numeric[key])
    return InputChoice(taken, key, alone)


def _name_inputs(numeric: Mapping[Key, Any], forward: ForwardInputs) -> dict[Key, str]:
    """Return the name that the model has for each input; those by position have the names of its parameters."""
    if len(numeric) > len(forward.names) and any(isinstance(key, int) for key in numeric) and len(numeric) > 1:
        raise InputError(f"the samples have {len(numeric)} inputs by position, but {forward}: expected one for each")
    return {key: (forward.names[key] if forward.names else "") if isinstance(key, int) else key for key in numeric}


def _choose_explained(numeric: Mapping[Key, Any], names: Mapping[Key, str], given: str | int | None) -> Key | None:
    if given is not None:
        found = next((key for key, name in names.items() if given in (key, name)), None)
        if found is None:
            raise InputError(f"input {given!r}: expected one of the inputs of the samples, {_list(names.values())}")
        return found
    usual = [key for key in IMAGE_KEYS if key in numeric]
    images = [key for key, value in numeric.items() if _is_floating(value) and _axes(value) > 1]
    texts = [key for key, value in numeric.items() if is_ids(value) and not any(one in names[key] for one in NO_IDS)]
    floats = [key for key, value in numeric.items() if _is_floating(value) and _axes(value) > 0]
    return next(iter([*usual, *images, *texts, *floats]), None)


def _is_floating(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and (isinstance(value[0], float) or _is_floating(value[0]))
    if isinstance(value, Tensor):
        return value.is_floating_point()
    return isinstance(value, Image.Image) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _axes(value: Any) -> int:
    return 3 if isinstance(value, Image.Image) else torch.as_tensor(value).dim()


def _list(names: Any) -> str:
    return ", ".join(map(str, names))
