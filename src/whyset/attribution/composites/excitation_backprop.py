from dataclasses import dataclass

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import ZPlus
from whyset.attribution.rules.rule import Stabilizing


@dataclass(frozen=True)
class ExcitationBackprop(LayerComposite):
    """Excitation backpropagation: ZPlus everywhere, sums and average pools in proportion (Zhang 2016).

    Zhang's networks have their biases left out: `zero_params="bias"`.
    """

    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    def layers(self) -> LayerMap:
        return ((("convolution", "linear"), ZPlus(self.stabilizer, self.zero_params)),)
