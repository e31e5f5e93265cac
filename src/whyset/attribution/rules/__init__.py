"""Propagation rules of layer-wise relevance propagation; `RULES` is the table of all of them.

`RELU_RULES` holds the changes to the gradient at a ReLU, which gradient composites use.

>>> RULES["epsilon"](epsilon=0.1)
Epsilon(epsilon=0.1, zero_params=None)
"""

from types import MappingProxyType

from whyset.attribution.rules.alpha_beta import AlphaBeta
from whyset.attribution.rules.epsilon import Epsilon
from whyset.attribution.rules.flat import Flat
from whyset.attribution.rules.gamma import Gamma
from whyset.attribution.rules.norm import Norm
from whyset.attribution.rules.opposite import Opposite
from whyset.attribution.rules.pass_ import Pass
from whyset.attribution.rules.prune import Prune
from whyset.attribution.rules.redistribute_bias import RedistributeBias
from whyset.attribution.rules.relu import ReLUBetaSmooth, ReLUDeconvNet, ReLUGuidedBackprop, ReLURule
from whyset.attribution.rules.rule import Branch, Layer, Rule
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
        "norm": Norm,
        "pass": Pass,
        "redistribute_bias": RedistributeBias,
        "opposite": Opposite,
        "prune": Prune,
    }
)
RELU_RULES: MappingProxyType[str, type[ReLURule]] = MappingProxyType(
    {
        "relu_deconv_net": ReLUDeconvNet,
        "relu_guided_backprop": ReLUGuidedBackprop,
        "relu_beta_smooth": ReLUBetaSmooth,
    }
)

__all__ = [
    "RELU_RULES",
    "RULES",
    "AlphaBeta",
    "Branch",
    "Epsilon",
    "Flat",
    "Gamma",
    "Layer",
    "Norm",
    "Opposite",
    "Pass",
    "Prune",
    "ReLUBetaSmooth",
    "ReLUDeconvNet",
    "ReLUGuidedBackprop",
    "ReLURule",
    "RedistributeBias",
    "Rule",
    "Stabilizer",
    "WSquare",
    "ZBox",
    "ZPlus",
]
