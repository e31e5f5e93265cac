"""Attribution: relevance as a modified gradient, for any PyTorch model, by interception of torch functions."""

from whyset.attribution.attributors import (
    HSIC,
    RISE,
    XRAI,
    BiLRP,
    BlurIG,
    Captum,
    Conditional,
    ExtremalPerturbation,
    GeneratedTokens,
    Gradient,
    GuidedIG,
    InputTimesGradient,
    IntegratedGradients,
    Occlusion,
    SmoothGrad,
    Sobol,
)
from whyset.attribution.attributors.bilrp import PairRelevance
from whyset.attribution.ledger import BiasMap, Cause, Ledger, LedgerRow
from whyset.attribution.serialization import to_dict
from whyset.attribution.targets import AboveReference, Contrast, OutputWeights, Similarity, Target, output_coefficient

__all__ = [
    "HSIC",
    "RISE",
    "XRAI",
    "AboveReference",
    "BiLRP",
    "BiasMap",
    "BlurIG",
    "Captum",
    "Cause",
    "Conditional",
    "Contrast",
    "ExtremalPerturbation",
    "GeneratedTokens",
    "Gradient",
    "GuidedIG",
    "InputTimesGradient",
    "IntegratedGradients",
    "Ledger",
    "LedgerRow",
    "Occlusion",
    "OutputWeights",
    "PairRelevance",
    "Similarity",
    "SmoothGrad",
    "Sobol",
    "Target",
    "output_coefficient",
    "to_dict",
]
