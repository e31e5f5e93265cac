"""Propagation rules of layer-wise relevance propagation; `RULES` is the table of all of them.

>>> RULES["epsilon"](epsilon=0.1)
Epsilon(epsilon=0.1, zero_params=None)
"""

from types import MappingProxyType

from whyset.attribution.rules.alpha_beta import AlphaBeta
from whyset.attribution.rules.epsilon import Epsilon
from whyset.attribution.rules.flat import Flat
from whyset.attribution.rules.gamma import Gamma
from whyset.attribution.rules.rule import Layer, Rule
from whyset.attribution.rules.stabilizer import Stabilizer
from whyset.attribution.rules.w_square import WSquare
from whyset.attribution.rules.z_box import ZBox
from whyset.attribution.rules.z_plus import ZPlus

RULES: MappingProxyType[str, type[Rule]] = MappingProxyType(
    {
        "epsilon": Epsilon,
        "gamma": Gamma,
        "z_plus": ZPlus,
        "alpha_beta": AlphaBeta,
        "z_box": ZBox,
        "w_square": WSquare,
        "flat": Flat,
    }
)

__all__ = ["RULES", "AlphaBeta", "Epsilon", "Flat", "Gamma", "Layer", "Rule", "Stabilizer", "WSquare", "ZBox", "ZPlus"]
