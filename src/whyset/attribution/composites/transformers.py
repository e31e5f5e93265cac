from dataclasses import dataclass
from typing import ClassVar

from whyset.attribution.composites.composite import LayerComposite
from whyset.attribution.composites.matchers import LayerMap
from whyset.attribution.rules import Epsilon


@dataclass(frozen=True)
class AttnLRP(LayerComposite):
    """AttnLRP: LRP-0 for linear layers, equal shares in products and attention, norms held constant (Achtibat 2024,
    Arras 2025).
    """

    def layers(self) -> LayerMap:
        return ((("convolution", "linear"), Epsilon(0.0)),)


@dataclass(frozen=True)
class CPLRP(AttnLRP):
    """CP-LRP: as AttnLRP, but attention weights and gates are constants: no relevance through queries, keys and
    gates (Ali 2022).
    """

    gates_are_constant: ClassVar[bool] = True
