"""Attribution: relevance as a modified gradient, for any PyTorch model, by interception of torch functions."""

from whyset.attribution.attributors import (
    AblationCAM,
    BiLRP,
    Captum,
    Conditional,
    FastCAM,
    GeneratedTokens,
    GradCAM,
    GradCAMPlusPlus,
    Gradient,
    GuidedGradCAM,
    HiResCAM,
    InputTimesGradient,
    IntegratedGradients,
    LayerCAM,
    Occlusion,
    ScoreCAM,
    SmoothGrad,
)
from whyset.attribution.attributors.bilrp import PairRelevance
from whyset.attribution.attributors.cam import CamLayer, find_cam_layer
from whyset.attribution.ledger import BiasMap, Cause, Ledger, LedgerRow
from whyset.attribution.serialization import to_dict
from whyset.attribution.targets import AboveReference, Contrast, OutputWeights, Similarity, Target, output_coefficient

__all__ = [
    "AblationCAM",
    "AboveReference",
    "BiLRP",
    "BiasMap",
    "CamLayer",
    "Captum",
    "Cause",
    "Conditional",
    "Contrast",
    "FastCAM",
    "GeneratedTokens",
    "GradCAM",
    "GradCAMPlusPlus",
    "Gradient",
    "GuidedGradCAM",
    "HiResCAM",
    "InputTimesGradient",
    "IntegratedGradients",
    "LayerCAM",
    "Ledger",
    "LedgerRow",
    "Occlusion",
    "OutputWeights",
    "PairRelevance",
    "ScoreCAM",
    "Similarity",
    "SmoothGrad",
    "Target",
    "find_cam_layer",
    "output_coefficient",
    "to_dict",
]
