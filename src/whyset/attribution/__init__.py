"""Attribution: relevance as a modified gradient, for any PyTorch model, by interception of torch functions."""

from whyset.attribution.attributors import (
    BiLRP,
    Captum,
    Conditional,
    GeneratedTokens,
    Gradient,
    InputTimesGradient,
    IntegratedGradients,
    Occlusion,
    SmoothGrad,
)
from whyset.attribution.attributors.bilrp import PairRelevance
from whyset.attribution.ledger import BiasMap, Cause, Ledger, LedgerRow
from whyset.attribution.serialization import to_dict
from whyset.attribution.targets import AboveReference, Contrast, OutputWeights, Similarity, Target, output_coefficient

__all__ = [
    "AboveReference",
    "BiLRP",
    "BiasMap",
    "Captum",
    "Cause",
    "Conditional",
    "Contrast",
    "GeneratedTokens",
    "Gradient",
    "InputTimesGradient",
    "IntegratedGradients",
    "Ledger",
    "LedgerRow",
    "Occlusion",
    "OutputWeights",
    "PairRelevance",
    "Similarity",
    "SmoothGrad",
    "Target",
    "output_coefficient",
    "to_dict",
]
