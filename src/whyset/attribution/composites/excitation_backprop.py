from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import ZPlus
from whyset.attribution.rules.rule import Stabilizing


@dataclass(frozen=True)
class ExcitationBackprop(LayerComposite):
    """Excitation backpropagation: ZPlus everywhere, sums and average pools in proportion (Zhang 2016).

    Zhang's networks have no biases: `zero_params="bias"`.

    Parameters
    ----------
    stabilizer : float or callable, default 1e-6
        Stabilizer of ZPlus.
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

    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    def layers(self) -> LayerMap:
        return ((("convolution", "linear"), ZPlus(self.stabilizer, self.zero_params)),)
