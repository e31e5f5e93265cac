from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import AlphaBeta, Epsilon, Flat
from whyset.attribution.rules.rule import Stabilizing


@dataclass(frozen=True)
class EpsilonAlpha2Beta1(LayerComposite):
    """AlphaBeta(2, 1) for convolutions, Epsilon for linear layers (Bach 2015; Lapuschkin 2019).

    Parameters
    ----------
    epsilon : float or callable, default 1e-6
        Stabilizer of Epsilon.
    stabilizer : float or callable, default 1e-6
        Stabilizer of AlphaBeta.
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
    """EpsilonAlpha2Beta1, with Flat for the first linear operation.

    Parameters
    ----------
    epsilon : float or callable, default 1e-6
        Stabilizer of Epsilon.
    stabilizer : float or callable, default 1e-6
        Stabilizer of AlphaBeta and Flat.
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

    def first_layers(self) -> LayerMap:
        return ((("linear", "convolution"), Flat(self.stabilizer)),)
