from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import WSquare, ZBox, ZPlus
from whyset.attribution.rules.rule import Stabilizing
from whyset.attribution.rules.z_box import Bound, check_bounds


@dataclass(frozen=True)
class DeepTaylor(LayerComposite):
    """Deep Taylor decomposition of unbounded inputs: ZPlus, and WSquare for the first operation (Montavon 2017).

    Biases are root points that get no relevance: they count as zero.

    Parameters
    ----------
    stabilizer : float or callable, default 1e-6
        Stabilizer of all rules.
    zero_params : str or tuple of str, optional, default "bias"
        With "bias" the bias counts as zero in every rule that uses it.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule that go before those of the preset (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.

    Examples
    --------
    >>> DeepTaylor().first_layers()[0][1]
    WSquare(stabilizer=1e-06, zero_params='bias')
    """

    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = "bias"

    def layers(self) -> LayerMap:
        return ((("convolution", "linear"), ZPlus(self.stabilizer, self.zero_params)),)

    def first_layers(self) -> LayerMap:
        return ((("convolution", "linear"), WSquare(self.stabilizer, self.zero_params)),)


@dataclass(frozen=True)
class DeepTaylorBox(LayerComposite):
    """Deep Taylor decomposition of pixels: ZPlus, and ZBox for the first linear operation (Montavon 2017).

    Parameters
    ----------
    low : float or Tensor
        Lower bound of the input after normalization; a tensor broadcasts to one sample.
    high : float or Tensor
        Upper bound of the input after normalization, likewise.
    stabilizer : float or callable, default 1e-6
        Stabilizer of all rules.
    zero_params : str or tuple of str, optional, default "bias"
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
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = "bias"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bounds(type(self).__name__, self.low, self.high)

    def layers(self) -> LayerMap:
        return ((("convolution", "linear"), ZPlus(self.stabilizer, self.zero_params)),)

    def first_layers(self) -> LayerMap:
        return ((("convolution", "linear"), ZBox(self.low, self.high, self.stabilizer, self.zero_params)),)
