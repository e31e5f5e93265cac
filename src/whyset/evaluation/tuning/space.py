"""The rules of LRP that `tune` searches: the values of each parameter, and the composite of a configuration.

`SPACE` is the table of the values, `STARTS` that of the configurations of the preset composites.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, get_type_hints

from torch import Tensor

from whyset.arguments import TypedFields
from whyset.attribution.composites import (
    CPLRP,
    BiasRedistribution,
    Composite,
    LayerMapComposite,
    NameLayerMapComposite,
)
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import AlphaBeta, Epsilon, Flat, Gamma, Rule, WSquare, ZBox, ZPlus
from whyset.attribution.rules.stabilizer import Stabilizer
from whyset.errors import InputError
from whyset.evaluation.tuning.layers import LinearLayers

Value = str | float
STABILIZER = 1e-6

SPACE: Mapping[str, tuple[Value, ...]] = MappingProxyType(
    {
        "convolution": ("epsilon", "gamma_0.1", "gamma_0.25", "gamma_1", "z_plus", "alpha2_beta1"),
        "first": ("same", "flat", "w_square", "z_box"),
        "depth": (0.25, 0.5, 0.75, 1.0),
        "linear": ("epsilon", "gamma_0.25", "z_plus"),
        "bias": ("own_share", "zero", "redistributed"),
        "epsilon": (0.0, 0.01, 0.1),
        "gates": ("equal_shares", "constant"),
    }
)
"""The values of each parameter of `Configuration`, in the order in which the search changes them."""


@dataclass(frozen=True)
class Configuration(TypedFields):
    """The rules of a network: a point of the search space.

    Parameters
    ----------
    convolution : str, default "z_plus"
        The rule of convolutions. In networks with few convolutions, as transformers, that of linear layers matters.
    first : str, default "same"
        The rule of the first linear operation: `Flat`, `WSquare` or `ZBox`; "same" is that of the others.
    depth : float, default 1.0
        The share of the convolutions, from the input on, that have the rule `convolution`. The later ones have Epsilon,
        as where a gamma rule is used in the early layers only (Montavon 2019).
    linear : str, default "epsilon"
        The rule of linear layers.
    bias : str, default "own_share"
        The relevance of biases: it stays there, biases count as zero, or it is redistributed to the inputs.
    epsilon : float, default 0.0
        The stabilizer of Epsilon, relative to the root mean square of the outputs of the layer; 0 is 1e-6, absolute.
    gates : str, default "equal_shares"
        What attention weights and gates get: a share as other factors (AttnLRP), or nothing (CP-LRP).

    Raises
    ------
    InputError
        A value is not one of `SPACE`, or gates are constant at a depth below 1, which composites cannot say.

    Examples
    --------
    >>> Configuration(convolution="gamma_0.25", first="flat").describe()
    'convolution gamma_0.25, first flat'
    """

    convolution: str = "z_plus"
    first: str = "same"
    depth: float = 1.0
    linear: str = "epsilon"
    bias: str = "own_share"
    epsilon: float = 0.0
    gates: str = "equal_shares"

    def __post_init__(self) -> None:
        for name, known in SPACE.items():
            if getattr(self, name) not in known:
                raise InputError(
                    f"Configuration({name}={getattr(self, name)!r}): expected one of {', '.join(map(repr, known))}"
                )
        if self.gates == "constant" and self.depth < 1:
            raise InputError("Configuration(gates='constant'): expected depth=1.0, because CP-LRP chooses by kind only")

    @property
    def has_epsilon(self) -> bool:
        """True if a layer has the rule Epsilon, so that its parameter makes a difference."""
        return self.linear == "epsilon" or self.convolution == "epsilon" or self.depth < 1

    def describe(self) -> str:
        """Return the parameters that are not the default, and always the rule of convolutions."""
        given = {part.name: getattr(self, part.name) for part in fields(self)}
        return ", ".join(
            f"{name} {value}" for name, value in given.items() if name == "convolution" or value != _DEFAULTS[name]
        )

    def to_dict(self) -> dict[str, Value]:
        """Return the parameters by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


_DEFAULTS: Mapping[str, Any] = MappingProxyType({part.name: part.default for part in fields(Configuration)})

STARTS: Mapping[str, Configuration] = MappingProxyType(
    {
        "epsilon_plus": Configuration("z_plus"),
        "epsilon_plus_flat": Configuration("z_plus", "flat"),
        "epsilon_alpha2_beta1": Configuration("alpha2_beta1"),
        "epsilon_alpha2_beta1_flat": Configuration("alpha2_beta1", "flat"),
        "epsilon_gamma_box": Configuration("gamma_0.25", "z_box"),
        "excitation_backprop": Configuration("z_plus", linear="z_plus"),
        "deep_taylor": Configuration("z_plus", "w_square", linear="z_plus", bias="zero"),
        "deep_taylor_box": Configuration("z_plus", "z_box", linear="z_plus", bias="zero"),
        "attn_lrp": Configuration("epsilon"),
        "cp_lrp": Configuration("epsilon", gates="constant"),
    }
)
"""The configuration of each preset composite with rules, from which the search begins: that of the best one.

AttnLRP and CP-LRP have no stabilizer at all, the others the same relevance maps as their configuration.
"""


def find_axes(layers: LinearLayers, bounds: tuple[Tensor, Tensor] | None) -> dict[str, tuple[Value, ...]]:
    """Return the parameters of `SPACE` that make a difference for a network, with their values.

    Parameters
    ----------
    layers : LinearLayers
        The linear operations of the network.
    bounds : pair of Tensor or None
        The inputs for black and white, which ZBox needs; None if they are not known.
    """
    axes = dict(SPACE)
    if bounds is None:
        axes["first"] = tuple(value for value in axes["first"] if value != "z_box")
    if len(layers.convolutions) < 2:  # the first layer has a parameter of its own
        del axes["convolution"]
    if len(layers.convolutions) < 4:
        del axes["depth"]
    if not layers.has_linear:
        del axes["linear"]
    if not layers.has_gates:
        del axes["gates"]
    return axes


def fit_start(start: Configuration, axes: Mapping[str, tuple[Value, ...]]) -> Configuration:
    """Return a configuration whose values are those of a network: others take the default."""
    wrong = {name: _DEFAULTS[name] for name, values in axes.items() if getattr(start, name) not in values}
    changed: Any = wrong
    return replace(start, **changed)


def make_composite(
    configuration: Configuration, layers: LinearLayers, bounds: tuple[Tensor, Tensor] | None
) -> Composite:
    """Return the composite of a configuration for a network; InputError: ZBox is asked for without bounds."""
    zeros = "bias" if configuration.bias == "zero" else None
    relative = Stabilizer(configuration.epsilon, norm_scale=True) if configuration.epsilon else STABILIZER
    epsilon = Epsilon(relative, zeros)
    rules: LayerMap = (
        ("convolution", _make_rule(configuration.convolution, epsilon, zeros)),
        ("linear", _make_rule(configuration.linear, epsilon, zeros)),
    )
    first = _make_first(configuration.first, zeros, bounds)
    composite = _combine(configuration, layers, rules, first, epsilon)
    return BiasRedistribution(composite) if configuration.bias == "redistributed" else composite


def _combine(
    configuration: Configuration, layers: LinearLayers, rules: LayerMap, first: LayerMap, epsilon: Epsilon
) -> Composite:
    if configuration.gates == "constant":
        return CPLRP(layer_map=rules, first_map=first)
    late = layers.name_late(configuration.depth)
    if late:
        return NameLayerMapComposite(((late, epsilon),), layer_map=rules, first_map=first)
    return LayerMapComposite(rules, first_map=first)


def _make_rule(name: str, epsilon: Epsilon, zeros: str | None) -> Rule:
    if name == "epsilon":
        return epsilon
    if name == "z_plus":
        return ZPlus(STABILIZER, zeros)
    if name == "alpha2_beta1":
        return AlphaBeta(2, 1, STABILIZER, zeros)
    return Gamma(float(name.removeprefix("gamma_")), STABILIZER, zeros)


def _make_first(name: str, zeros: str | None, bounds: tuple[Tensor, Tensor] | None) -> LayerMap:
    if name == "same":
        return ()
    if name == "z_box" and bounds is None:
        raise InputError("first 'z_box' needs the range of the inputs, which is known for images only")
    made: Rule = Flat(STABILIZER) if name == "flat" else WSquare(STABILIZER, zeros)
    if name == "z_box" and bounds is not None:
        made = ZBox(*bounds, STABILIZER, zeros)
    return ((("linear", "convolution"), made),)


def read_configuration(stored: Mapping[str, Any]) -> Configuration:
    """Rebuild a configuration from its `to_dict`; InputError: a field is unknown or does not fit.

    >>> read_configuration(Configuration(depth=0.5).to_dict()).depth
    0.5
    """
    unknown = set(stored) - set(get_type_hints(Configuration))
    if unknown:
        raise InputError(f"a configuration of the search space has no parameter {sorted(unknown)[0]!r}")
    return Configuration(**stored)
