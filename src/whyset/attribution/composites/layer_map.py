from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite


@dataclass(frozen=True)
class LayerMapComposite(LayerComposite):
    """Rules by kind of layer, as a user maps them: the first entry that matches wins.

    >>> from whyset.attribution.rules import Gamma
    >>> composite = LayerMapComposite(layer_map=(("convolution", Gamma(0.25)),))
    """


@dataclass(frozen=True)
class SpecialFirstLayerMapComposite(LayerComposite):
    """Rules by kind of layer, and `first_map` for linear operations that have none upstream."""
