from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import Epsilon, Flat, ZPlus
from whyset.attribution.rules.rule import Stabilizing


@dataclass(frozen=True)
class EpsilonPlus(LayerComposite):
    """ZPlus for convolutions, Epsilon for linear layers (Lapuschkin 2019; Kohlbrenner 2020).

    >>> EpsilonPlus(epsilon=0.25).layers()[1]
    ('linear', Epsilon(epsilon=0.25, zero_params=None))
    """

    epsilon: Stabilizing = 1e-6
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    def layers(self) -> LayerMap:
        return (
            ("convolution", ZPlus(self.stabilizer, self.zero_params)),
            ("linear", Epsilon(self.epsilon, self.zero_params)),
        )


@dataclass(frozen=True)
class EpsilonPlusFlat(EpsilonPlus):
    """EpsilonPlus, with Flat for the first linear operation."""

    def first_layers(self) -> LayerMap:
        return ((("linear", "convolution"), Flat(self.stabilizer)),)
