"""Objects and copies of frozen dataclasses, of which an interception makes several at each call.

`__init__` sets each field of a frozen dataclass by a call, which takes several times as long as to fill its `__dict__`.
The classes must not check their fields when they are made.
"""

from typing import Any, TypeVar

T = TypeVar("T")


def make(kind: type[T], /, **fields: Any) -> T:
    """Return an object of a frozen dataclass without calling `__init__`.

    Fields that are left out have their default, which is an attribute of the class; one made by a factory is not.
    """
    other = object.__new__(kind)
    other.__dict__.update(fields)
    return other


def change(known: T, /, **changes: Any) -> T:
    """Return a copy of a frozen dataclass with other values, as `dataclasses.replace` does, without calling `__init__`.

    The class must not derive attributes from its fields (`cached_property`), which would be copied.
    """
    other = object.__new__(type(known))
    other.__dict__.update(known.__dict__, **changes)
    return other
