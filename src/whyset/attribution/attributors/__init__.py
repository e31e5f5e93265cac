"""Attributors turn a model and a target into an explanation of the input."""

from whyset.attribution.attributors.bilrp import BiLRP
from whyset.attribution.attributors.cam import (
    AblationCAM,
    FastCAM,
    GradCAM,
    GradCAMPlusPlus,
    GuidedGradCAM,
    HiResCAM,
    LayerCAM,
    ScoreCAM,
)
from whyset.attribution.attributors.captum import Captum
from whyset.attribution.attributors.conditional import Conditional
from whyset.attribution.attributors.generated_tokens import GeneratedTokens
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.input_times_gradient import InputTimesGradient
from whyset.attribution.attributors.integrated_gradients import IntegratedGradients
from whyset.attribution.attributors.occlusion import Occlusion
from whyset.attribution.attributors.smooth_grad import SmoothGrad

__all__ = [
    "AblationCAM",
    "BiLRP",
    "Captum",
    "Conditional",
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
    "Occlusion",
    "ScoreCAM",
    "SmoothGrad",
]
