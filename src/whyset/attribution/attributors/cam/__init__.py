"""Class activation maps: what the activations of one layer contribute to an output, at each position."""

from whyset.attribution.attributors.cam.ablation_cam import AblationCAM
from whyset.attribution.attributors.cam.fast_cam import FastCAM
from whyset.attribution.attributors.cam.grad_cam import GradCAM
from whyset.attribution.attributors.cam.grad_cam_plus_plus import GradCAMPlusPlus
from whyset.attribution.attributors.cam.grid import PositionGrid
from whyset.attribution.attributors.cam.guided_grad_cam import GuidedGradCAM
from whyset.attribution.attributors.cam.hires_cam import HiResCAM
from whyset.attribution.attributors.cam.layer import CamLayer, find_cam_layer, find_cam_layers
from whyset.attribution.attributors.cam.layer_attributor import InterpolateMode
from whyset.attribution.attributors.cam.layer_cam import LayerCAM
from whyset.attribution.attributors.cam.score_cam import ScoreCAM

__all__ = [
    "AblationCAM",
    "CamLayer",
    "FastCAM",
    "GradCAM",
    "GradCAMPlusPlus",
    "GuidedGradCAM",
    "HiResCAM",
    "InterpolateMode",
    "LayerCAM",
    "PositionGrid",
    "ScoreCAM",
    "find_cam_layer",
    "find_cam_layers",
]
