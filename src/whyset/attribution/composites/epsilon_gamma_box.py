from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import Epsilon, Gamma, ZBox
from whyset.attribution.rules.rule import Stabilizing
from whyset.attribution.rules.z_box import Bound, check_bounds


@dataclass(frozen=True)
class EpsilonGammaBox(LayerComposite):
    """ZBox for the first linear operation, Gamma for convolutions, Epsilon for linear layers (Montavon 2019).

    Parameters
    ----------
    low : float or Tensor
        Lower bound of the input after normalization; a tensor broadcasts to one sample.
    high : float or Tensor
        Upper bound of the input after normalization, likewise.
    epsilon : float or callable, default 1e-6
        Stabilizer of Epsilon.
    gamma : float, default 0.25
        Parameter of Gamma, at least 0.
    stabilizer : float or callable, default 1e-6
        Stabilizer of Gamma and ZBox.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero in every rule that uses it.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule that go before those of the preset (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.
    """

    low: Bound
    high: Bound
    epsilon: Stabilizing = 1e-6
    gamma: float = 0.25
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bounds(type(self).__name__, self.low, self.high)

    def layers(self) -> LayerMap:
        return (
            ("convolution", Gamma(self.gamma, self.stabilizer, self.zero_params)),
            ("linear", Epsilon(self.epsilon, self.zero_params)),
        )

    def first_layers(self) -> LayerMap:
        return ((("linear", "convolution"), ZBox(self.low, self.high, self.stabilizer, self.zero_params)),)
