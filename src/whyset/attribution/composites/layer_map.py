from dataclasses import dataclass, field

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap


@dataclass(frozen=True)
class LayerMapComposite(LayerComposite):
    """Rules by kind of layer, as a user maps them: the first entry that matches wins.

    >>> from whyset.attribution.rules import Gamma
    >>> composite = LayerMapComposite([("convolution", Gamma(0.25))])
    """

    layer_map: LayerMap = field(default=(), kw_only=False)


@dataclass(frozen=True)
class SpecialFirstLayerMapComposite(LayerComposite):
    """Rules by kind of layer, and `first_map` for linear operations that have none upstream."""

    layer_map: LayerMap = field(default=(), kw_only=False)
    first_map: LayerMap = field(default=(), kw_only=False)
