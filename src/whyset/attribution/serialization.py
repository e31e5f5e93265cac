"""The stored form of rules and composites: name and fields, as JSON values."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor

from whyset.errors import InputError


def to_dict(part: Any) -> Any:
    """Convert a rule or a composite to values that JSON can hold.

    Frozen dataclasses become `{"name": ..., "fields": {...}}`, recursively; tensors become lists and classes their
    import path.

    Parameters
    ----------
    part : object
        A frozen dataclass, tensor, sequence, mapping, class, text, number or None.

    Returns
    -------
    object
        Dictionaries, lists, texts, numbers, bools and None.

    Raises
    ------
    InputError
        A value is of another type, such as a function as `stabilizer`.

    Examples
    --------
    >>> from whyset.attribution.rules import Flat
    >>> to_dict(Flat())
    {'name': 'Flat', 'fields': {'stabilizer': 1e-06}}
    """
    if is_dataclass(part) and not isinstance(part, type):
        return {
            "name": type(part).__name__,
            "fields": {f.name: to_dict(getattr(part, f.name)) for f in fields(part)},
        }
    if isinstance(part, Tensor):
        return part.tolist()
    if isinstance(part, (list, tuple)):
        return [to_dict(item) for item in part]
    if isinstance(part, Mapping):
        return {str(key): to_dict(value) for key, value in part.items()}
    if isinstance(part, type):
        return f"{part.__module__}.{part.__qualname__}"
    if part is None or isinstance(part, (str, int, float, bool)):
        return part
    raise InputError(
        f"{part!r} cannot be stored with a run: use a number, a text or a frozen dataclass such as Stabilizer instead"
    )
