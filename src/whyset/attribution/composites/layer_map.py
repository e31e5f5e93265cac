from dataclasses import dataclass, field

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap


@dataclass(frozen=True)
class LayerMapComposite(LayerComposite):
    """Rules by kind of layer: the first entry that matches is taken.

    Parameters
    ----------
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule. A matcher is a module class, "convolution", "linear", the name of a function such
        as "conv2d", or a tuple of these.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.

    Raises
    ------
    InputError
        An entry is not such a pair.

    Examples
    --------
    >>> from whyset.attribution.rules import Gamma
    >>> composite = LayerMapComposite([("convolution", Gamma(0.25))])
    """

    layer_map: LayerMap = field(default=(), kw_only=False)


@dataclass(frozen=True)
class SpecialFirstLayerMapComposite(LayerComposite):
    """Rules by kind of layer, with `first_map` for linear operations without another one upstream.

    Parameters
    ----------
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule. A matcher is a module class, "convolution", "linear", the name of a function such
        as "conv2d", or a tuple of these.
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.

    Raises
    ------
    InputError
        An entry is not such a pair.
    """

    layer_map: LayerMap = field(default=(), kw_only=False)
    first_map: LayerMap = field(default=(), kw_only=False)
