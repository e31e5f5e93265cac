from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import AlphaBeta, Epsilon, Flat
from whyset.attribution.rules.rule import Stabilizing


@dataclass(frozen=True)
class EpsilonAlpha2Beta1(LayerComposite):
    """AlphaBeta(2, 1) for convolutions, Epsilon for linear layers (Bach 2015; Lapuschkin 2019)."""

    epsilon: Stabilizing = 1e-6
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    def layers(self) -> LayerMap:
        return (
            ("convolution", AlphaBeta(2, 1, self.stabilizer, self.zero_params)),
            ("linear", Epsilon(self.epsilon, self.zero_params)),
        )


@dataclass(frozen=True)
class EpsilonAlpha2Beta1Flat(EpsilonAlpha2Beta1):
    """EpsilonAlpha2Beta1, with Flat for the first linear operation."""

    def first_layers(self) -> LayerMap:
        return ((("linear", "convolution"), Flat(self.stabilizer)),)
