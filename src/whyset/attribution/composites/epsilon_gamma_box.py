from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import Epsilon, Gamma, ZBox
from whyset.attribution.rules.rule import Stabilizing
from whyset.attribution.rules.z_box import Bound


@dataclass(frozen=True)
class EpsilonGammaBox(LayerComposite):
    """ZBox for the first linear operation, Gamma for convolutions, Epsilon for linear layers (Montavon 2019).

    `low` and `high` are the bounds of the input after normalization, floats or tensors that broadcast to it.
    """

    low: Bound
    high: Bound
    epsilon: Stabilizing = 1e-6
    gamma: float = 0.25
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    def layers(self) -> LayerMap:
        return (
            ("convolution", Gamma(self.gamma, self.stabilizer, self.zero_params)),
            ("linear", Epsilon(self.epsilon, self.zero_params)),
        )

    def first_layers(self) -> LayerMap:
        return ((("linear", "convolution"), ZBox(self.low, self.high, self.stabilizer, self.zero_params)),)
