"""Attribution: relevance as a modified gradient, for any PyTorch model, by intercepting torch functions."""

from whyset.attribution.attributors import Gradient
from whyset.attribution.stored import stored_form
from whyset.attribution.targets import Target, output_coefficient

__all__ = ["Gradient", "Target", "output_coefficient", "stored_form"]
