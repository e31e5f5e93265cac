"""Evaluation of explanations: which method finds the parts of the input that the model uses.

>>> IMPUTERS["blur"](sigma=4)
BlurImputer(sigma=4)
"""

from whyset.evaluation.flipping_curves import FlippingCurves
from whyset.evaluation.imputation import IMPUTERS, BlurImputer, ConstantImputer, Imputer, UniformImputer
from whyset.evaluation.paired import PairedDifference, compare_paired
from whyset.evaluation.pixel_flipping import PixelFlipping

__all__ = [
    "IMPUTERS",
    "BlurImputer",
    "ConstantImputer",
    "FlippingCurves",
    "Imputer",
    "PairedDifference",
    "PixelFlipping",
    "UniformImputer",
    "compare_paired",
]
