"""Evaluation of explanations: which method finds the parts of the input that the model uses.

`METRICS` is the table of the metrics, `IMPUTERS` that of the values that replace parts of an input.

>>> IMPUTERS["blur"](sigma=4)
BlurImputer(sigma=4)
"""

from whyset.evaluation.comparison import MethodDifference, MetricComparison, compare_methods
from whyset.evaluation.evaluate import evaluate
from whyset.evaluation.explain_functions import as_explain, as_explain_with_seeds
from whyset.evaluation.flipping_curves import FlippingCurves
from whyset.evaluation.imputation import (
    IMPUTERS,
    BlurImputer,
    ConstantImputer,
    Imputer,
    NoisyLinearImputer,
    UniformImputer,
)
from whyset.evaluation.metrics import METRICS, as_metric, build_metric, draw_boxes, parse_metric
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.paired import PairedDifference, compare_paired
from whyset.evaluation.pixel_flipping import PixelFlipping
from whyset.evaluation.quantus import as_quantus
from whyset.evaluation.result import EvaluationResult
from whyset.evaluation.tuning import tune

__all__ = [
    "IMPUTERS",
    "METRICS",
    "BlurImputer",
    "ConstantImputer",
    "EvaluationResult",
    "ExplainedSamples",
    "FlippingCurves",
    "Imputer",
    "Measured",
    "MethodDifference",
    "Metric",
    "MetricComparison",
    "NoisyLinearImputer",
    "PairedDifference",
    "PixelFlipping",
    "UniformImputer",
    "as_explain",
    "as_explain_with_seeds",
    "as_metric",
    "as_quantus",
    "build_metric",
    "compare_methods",
    "compare_paired",
    "draw_boxes",
    "evaluate",
    "parse_metric",
    "tune",
]
