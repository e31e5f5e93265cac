from typing import Any

import pytest
from torch import nn

from whyset.attribution.composites import (
    LayerMapComposite,
    NameLayerMapComposite,
    NameMapComposite,
    SpecialFirstLayerMapComposite,
)
from whyset.attribution.rules import Epsilon, Flat, Gamma

LISTS = [("convolution", Gamma(0.25)), ([nn.Linear, "linear"], Epsilon())]
TUPLES = (("convolution", Gamma(0.25)), ((nn.Linear, "linear"), Epsilon()))
FIRST = [("linear", Flat())]


@pytest.mark.parametrize(
    ("given", "same"),
    [
        (LayerMapComposite(LISTS), LayerMapComposite(layer_map=TUPLES)),
        (
            SpecialFirstLayerMapComposite(LISTS, FIRST),
            SpecialFirstLayerMapComposite(layer_map=TUPLES, first_map=tuple(FIRST)),
        ),
        (NameMapComposite([(["fc", 3], Epsilon())]), NameMapComposite(((("fc", 3), Epsilon()),))),
        (
            NameLayerMapComposite([(["fc", 3], Epsilon())], layer_map=LISTS),
            NameLayerMapComposite(((("fc", 3), Epsilon()),), layer_map=TUPLES),
        ),
    ],
    ids=lambda composite: type(composite).__name__,
)
def test_maps_are_given_by_position_and_as_lists(given: Any, same: Any) -> None:
    assert given == same
    assert hash(given) == hash(same)


def test_a_list_that_is_changed_later_does_not_change_the_composite() -> None:
    entries = list(LISTS)
    composite = LayerMapComposite(entries)
    entries.clear()
    assert composite == LayerMapComposite(TUPLES)
