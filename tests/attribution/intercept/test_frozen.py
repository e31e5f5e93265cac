"""Objects made without `__init__` equal those made by it, and changed copies those of `dataclasses.replace`."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import pytest
import torch

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.frozen import change, make
from whyset.attribution.intercept.layers import LinearLayer, LinearOutput, WeightCache
from whyset.attribution.intercept.lineage import Lineage
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.intercept.tracking import TensorRecord
from whyset.errors import WhysetError


@dataclass(frozen=True)
class Rectangle:
    width: float
    height: float
    corners: ClassVar[int] = 4
    color: str = "red"


def test_a_changed_copy_is_that_of_replace():
    given = Rectangle(2.0, 3.0)
    changed = change(given, height=5.0, color="blue")
    assert changed == replace(given, height=5.0, color="blue")
    assert hash(changed) == hash(replace(given, height=5.0, color="blue"))
    assert given == Rectangle(2.0, 3.0)


def test_an_object_is_that_of_its_class():
    made = make(Rectangle, width=2.0, height=3.0)
    given = Rectangle(2.0, 3.0)
    assert (made, hash(made), repr(made)) == (given, hash(given), repr(given))
    assert replace(made, color="blue") == change(made, color="blue") == Rectangle(2.0, 3.0, "blue")


@pytest.mark.parametrize("kind", [Call, Lineage, LinearOutput, OperationSite, TensorRecord])
def test_classes_that_are_copied_derive_nothing_from_their_fields(kind):
    """`change` would copy what was derived from other values; a layer refuses a second input instead."""
    derived = [name for name, value in vars(kind).items() if isinstance(value, cached_property)]
    assert not derived
    assert not hasattr(kind, "__post_init__")


def test_what_a_layer_derives_from_its_input_is_not_copied():
    layer = LinearLayer(torch.eye(2), None, None, torch.Size([1, 2]), WeightCache())
    given = layer.at(torch.tensor([[1.0, -1.0]]))
    assert not given.nonnegative
    assert layer.at(torch.ones(1, 2)).nonnegative
    with pytest.raises(WhysetError, match="has an input already"):
        given.at(torch.ones(1, 2))
