"""Copies of frozen dataclasses, of which an interception makes several at each call."""

from typing import Any, TypeVar

T = TypeVar("T")


def change(known: T, /, **changes: Any) -> T:
    """Return a copy of a frozen dataclass with other values, as `dataclasses.replace` does, without calling `__init__`.

    `__init__` sets each field of a frozen dataclass by a call, which takes more than twice as long. What the object has
    derived from its fields (`cached_property`) is not copied. The class must not check its fields when it is made.
    """
    declared: dict[str, Any] = type(known).__dataclass_fields__  # type: ignore[attr-defined]
    assert changes.keys() <= declared.keys()
    other = object.__new__(type(known))
    kept = {name: held for name, held in known.__dict__.items() if name in declared}
    other.__dict__.update(kept, **changes)
    return other
