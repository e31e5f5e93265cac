"""A changed copy equals that of `dataclasses.replace`, and takes over nothing that was derived from the fields."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from whyset.attribution.intercept.frozen import change


@dataclass(frozen=True)
class Rectangle:
    width: float
    height: float
    corners: ClassVar[int] = 4
    color: str = "red"

    @cached_property
    def area(self) -> float:
        return self.width * self.height


def test_a_changed_copy_is_that_of_replace():
    given = Rectangle(2.0, 3.0)
    changed = change(given, height=5.0, color="blue")
    assert changed == replace(given, height=5.0, color="blue")
    assert hash(changed) == hash(replace(given, height=5.0, color="blue"))
    assert given == Rectangle(2.0, 3.0)


def test_derived_values_are_computed_again():
    given = Rectangle(2.0, 3.0)
    assert given.area == 6.0
    assert change(given, height=5.0).area == 10.0
