"""Arguments of captum's methods: checked by the signature of the class, and kept as values that JSON can hold."""

import inspect
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyset.errors import InputError

RESERVED = ("inputs", "target", "additional_forward_args", "return_convergence_delta", "return_input_shape")
"""Arguments that a run sets, or that would change the form of the result."""

_BATCH_DEPENDENT = ("FeaturePermutation", "LayerFeaturePermutation")


def plain_value(name: str, value: Any) -> Any:
    """Return an argument as numbers, texts and lists.

    InputError: it is something else, such as a function.
    """
    if isinstance(value, Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_value(name, item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"the argument {name} of a method of captum is {value}: expected a finite number")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(
        f"the argument {name} of a method of captum is {type(value).__name__}, which a run cannot store: expected "
        "numbers, texts, lists or tensors; or write a function f(model, x, target) that calls captum"
    )


def as_argument(name: str, value: Any, x: Tensor) -> Any:
    """Return a stored argument as captum takes it: nested lists as a tensor next to x, flat lists as a tuple."""
    if not isinstance(value, list):
        return value
    if not any(isinstance(item, list) for item in value):
        return tuple(value)
    dtype = torch.long if name.endswith("mask") else x.dtype
    return torch.tensor(value, dtype=dtype, device=x.device)


def check_arguments(kind: type, arguments: Mapping[str, Any], layer: str | None, patch: int | None) -> None:
    """Check by the signatures of the class that it explains outputs of a model, and takes these arguments.

    InputError: it does not.
    """
    name, made, taken = kind.__name__, _parameters(kind), _parameters(getattr(kind, "attribute", None))
    _check_kind(name, made, taken)
    names = [one for one in taken if one not in RESERVED and taken[one].kind is not inspect.Parameter.VAR_KEYWORD]
    unknown = [one for one in arguments if one not in names]
    if unknown:
        raise InputError(
            f"captum's {name} has no argument {unknown[0]!r} that a run can set; it has {', '.join(names)}"
        )
    missing = [one for one in names if taken[one].default is inspect.Parameter.empty and one not in arguments]
    if missing:
        raise InputError(f"captum's {name} needs {' and '.join(missing)}: give arguments={{'{missing[0]}': ...}}")
    if ("layer" in made) != (layer is not None):
        need = "needs a layer: give its path by layer=" if "layer" in made else "takes no layer: leave it out"
        raise InputError(f"captum's {name} {need}")
    if patch is not None and patch < 1:
        raise InputError(f"patch is {patch}: expected the side of a patch in elements, at least 1")
    if patch is not None and ("feature_mask" not in taken or "feature_mask" in arguments):
        raise InputError(f"captum's {name} takes no patch: it needs an argument feature_mask that is not given")


def _check_kind(name: str, made: Mapping[str, Any], taken: Mapping[str, Any]) -> None:
    if next(iter(made), None) not in ("model", "forward_func"):
        raise InputError(
            f"captum's {name} is made from another method, not from a model: for noise use the method smooth_grad, for "
            "anything else a function f(model, x, target) that calls captum"
        )
    if "target" not in taken:
        raise InputError(
            f"captum's {name} does not explain an output of the model: choose a method whose `attribute` takes a target"
        )
    needed = [one for one, part in made.items() if one not in ("model", "forward_func", "layer") and _is_needed(part)]
    if needed:
        raise InputError(
            f"captum's {name} needs {' and '.join(needed)}, which a run cannot store: write a function "
            "f(model, x, target) that calls captum"
        )
    if name in _BATCH_DEPENDENT:
        raise InputError(
            f"captum's {name} exchanges values between the samples of a batch, so an explanation depends on the other "
            "samples: use FeatureAblation"
        )


def _is_needed(part: inspect.Parameter) -> bool:
    return part.default is inspect.Parameter.empty and part.kind not in (
        inspect.Parameter.VAR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    if function is None:
        return {}
    return {name: part for name, part in inspect.signature(function).parameters.items() if name != "self"}
