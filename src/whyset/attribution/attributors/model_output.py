"""The output to explain of a model that returns several values in a mapping, a sequence or a dataclass."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor

from whyset.errors import InputError

OutputChoice = str | int | Callable[[Any], Tensor] | None
"""The output to explain: its name, its index, or a function that returns it from what the model returns."""


def check_output_choice(choice: object) -> None:
    """Check that an output is chosen by a name, an index or a function."""
    if choice is None or callable(choice) or (isinstance(choice, str | int) and not isinstance(choice, bool)):
        return
    raise InputError(
        f"output={choice!r}: expected the name or the index of an output of the model, or a function that selects the "
        "tensor from what the model returns"
    )


def select_output(returned: Any, choice: OutputChoice = None) -> Tensor:
    """Return the tensor to explain from what a model returns.

    Without a choice it is the only floating point tensor that carries gradient.

    Parameters
    ----------
    returned : object
        A tensor, or a mapping, sequence or dataclass, such as a `ModelOutput`.
    choice : str, int, callable or None, default None
        A key or a field, an index, or a function of `returned`.

    Raises
    ------
    InputError
        The output does not exist, is not a floating point tensor, or the choice is not unique.
    """
    if choice is None:
        return returned if isinstance(returned, Tensor) else _select_only(returned)
    found = choice(returned) if callable(choice) else _look_up(returned, choice)
    if not isinstance(found, Tensor) or not found.is_floating_point():
        got = f"a tensor of {found.dtype}" if isinstance(found, Tensor) else type(found).__name__
        raise InputError(f"output={choice!r}: expected a floating point tensor, got {got}; {_list_names(returned)}")
    return found


def _select_only(returned: Any) -> Tensor:
    found = {name: value for name, value in _name_tensors(returned, "").items() if value.requires_grad}
    if len(found) == 1:
        return next(iter(found.values()))
    what = "no output carries gradient" if not found else f"{len(found)} outputs could be explained"
    raise InputError(
        f"expected a model whose output is one tensor, got {type(returned).__name__}: {what}. Choose one by "
        f"output=<name or index>, or by output=<function> that selects it; {_list_names(returned)}"
    )


def _look_up(returned: Any, choice: str | int) -> Any:
    if isinstance(returned, Tensor):
        raise InputError(f"output={choice!r}: the model returns one tensor; leave output out")
    try:
        return _get(returned, choice)
    except (KeyError, IndexError, AttributeError, TypeError) as error:
        raise InputError(
            f"output={choice!r}: {type(returned).__name__} has no such output; {_list_names(returned)}"
        ) from error


def _get(returned: Any, choice: str | int) -> Any:
    if isinstance(choice, str):
        return returned[choice] if isinstance(returned, Mapping) else getattr(returned, choice)
    if isinstance(returned, Mapping) and choice in returned:
        return returned[choice]
    return returned[choice] if hasattr(returned, "to_tuple") else list(_items(returned).values())[choice]


def _items(value: Any) -> dict[Any, Any]:
    """Return the members of a container by key, field or index; empty for other values."""
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in fields(value)}
    return {}


def _name_tensors(value: Any, name: str) -> dict[str, Tensor]:
    """Return the floating point tensors of a nested value by name, such as `logits` and `hidden_states[0]`."""
    if isinstance(value, Tensor):
        return {name: value} if value.is_floating_point() else {}
    found: dict[str, Tensor] = {}
    for key, member in _items(value).items():
        found |= _name_tensors(member, f"{name}[{key!r}]" if name else str(key))
    return found


def _list_names(returned: Any) -> str:
    names = [f"{name} {tuple(value.shape)}" for name, value in _name_tensors(returned, "").items()]
    return f"its floating point tensors are {', '.join(names)}" if names else "it holds no floating point tensor"


def find_choice(returned: Any) -> str | int | None:
    """Find the output to explain without gradients: None for a tensor, the only tensor, or the one named "logits".

    InputError: there is none, or the choice is not unique.

    >>> import torch
    >>> find_choice({"logits": torch.zeros(2, 3), "hidden": torch.zeros(2, 5)}), find_choice(torch.zeros(2, 3))
    ('logits', None)
    """
    if isinstance(returned, Tensor):
        return None
    names = [key for key, value in _items(returned).items() if isinstance(value, Tensor) and value.is_floating_point()]
    if len(names) == 1 or "logits" in names:
        return "logits" if "logits" in names else names[0]
    what = f"{len(names)} outputs could be explained" if names else "none of its outputs is a floating point tensor"
    raise InputError(
        f"the model returns {type(returned).__name__}, and {what}. Choose one by output=<name, index or function> "
        f"(--output); {_list_names(returned)}"
    )
