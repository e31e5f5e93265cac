"""Attributors turn a model and a target into an explanation of the input."""

from whyset.attribution.attributors.bilrp import BiLRP
from whyset.attribution.attributors.blur_ig import BlurIG
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
from whyset.attribution.attributors.contrastive import Contrastive
from whyset.attribution.attributors.extremal_perturbation import ExtremalPerturbation
from whyset.attribution.attributors.generated_tokens import GeneratedTokens
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.guided_ig import GuidedIG
from whyset.attribution.attributors.hsic import HSIC
from whyset.attribution.attributors.input_times_gradient import InputTimesGradient
from whyset.attribution.attributors.inspection import Inspection
from whyset.attribution.attributors.integrated_gradients import IntegratedGradients
from whyset.attribution.attributors.occlusion import Occlusion
from whyset.attribution.attributors.pattern import PatternAttributor
from whyset.attribution.attributors.rise import RISE
from whyset.attribution.attributors.smooth_grad import SmoothGrad
from whyset.attribution.attributors.sobol import Sobol
from whyset.attribution.attributors.xrai import XRAI

__all__ = [
    "HSIC",
    "RISE",
    "XRAI",
    "AblationCAM",
    "BiLRP",
    "BlurIG",
    "Captum",
    "Conditional",
    "Contrastive",
    "ExtremalPerturbation",
    "FastCAM",
    "GeneratedTokens",
    "GradCAM",
    "GradCAMPlusPlus",
    "Gradient",
    "GuidedGradCAM",
    "GuidedIG",
    "HiResCAM",
    "InputTimesGradient",
    "Inspection",
    "IntegratedGradients",
    "LayerCAM",
    "Occlusion",
    "PatternAttributor",
    "ScoreCAM",
    "SmoothGrad",
    "Sobol",
]
