"""Metrics of explanations: what a good relevance map is, in numbers for each sample.

`METRICS` is the table of their names. A metric is a frozen part: its fields are its parameters, and `measure` returns
the number of each sample of a batch.

>>> as_metric("relevance_gain").better
'higher'
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from whyset.evaluation.metrics.axioms import CompletenessError, NonSensitivity
from whyset.evaluation.metrics.complexity import Complexity, Sparseness, SupportSize
from whyset.evaluation.metrics.effective_complexity import EffectiveComplexity
from whyset.evaluation.metrics.efficient_mprt import EfficientMPRT
from whyset.evaluation.metrics.explained_samples import Explain, SeededExplain
from whyset.evaluation.metrics.explained_samples import ExplainedSamples as ExplainedSamples
from whyset.evaluation.metrics.flipping import (
    ROAD,
    Deletion,
    Insertion,
    LeastRelevantFirst,
    MostRelevantFirst,
    RelevanceGain,
)
from whyset.evaluation.metrics.infidelity import Infidelity
from whyset.evaluation.metrics.localization import (
    LocalizationAUC,
    PointingGame,
    RelevanceMass,
    RelevanceRank,
    TopKIntersection,
    WeightedRelevanceMass,
)
from whyset.evaluation.metrics.metric import Measured as Measured
from whyset.evaluation.metrics.metric import Metric as Metric
from whyset.evaluation.metrics.mprt import MPRT, SmoothMPRT
from whyset.evaluation.metrics.overlap import IntersectionOverUnion, draw_boxes
from whyset.evaluation.metrics.random_logit import RandomLogit
from whyset.evaluation.metrics.region_effects import Necessity, Sufficiency
from whyset.evaluation.metrics.seed_stability import SeedStability
from whyset.evaluation.metrics.sensitivity import AverageSensitivity, MaxSensitivity
from whyset.interventions.named_parts import build_named, parse_named, resolve_named

METRICS: Mapping[str, type[Metric]] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            RelevanceGain,
            MostRelevantFirst,
            LeastRelevantFirst,
            Deletion,
            Insertion,
            ROAD,
            Sufficiency,
            Necessity,
            Infidelity,
            MaxSensitivity,
            AverageSensitivity,
            MPRT,
            SmoothMPRT,
            EfficientMPRT,
            RandomLogit,
            SeedStability,
            CompletenessError,
            NonSensitivity,
            RelevanceMass,
            WeightedRelevanceMass,
            RelevanceRank,
            PointingGame,
            IntersectionOverUnion,
            LocalizationAUC,
            TopKIntersection,
            Complexity,
            Sparseness,
            EffectiveComplexity,
            SupportSize,
        )
    }
)
"""The metrics by name."""


def as_metric(given: Metric | str) -> Metric:
    """Resolve a metric from an instance, a name of `METRICS`, or a text `name:key=value`.

    InputError: the name is unknown, a value does not fit, or it is neither an instance nor a text.

    >>> as_metric("pointing_game:tolerance=15")
    PointingGame(tolerance=15)
    """
    if isinstance(given, str) and ":" in given:
        return parse_metric(given)
    return resolve_named(given, Metric, METRICS, "metric")


def parse_metric(text: str) -> Metric:
    """Make a metric from a text `name:key=value:key=value`; InputError: it cannot be read.

    >>> parse_metric("deletion:steps=10:imputer=blur(sigma=4)")
    Deletion(patch_size=1, steps=10, imputer='blur(sigma=4)', score='probability')
    """
    return parse_named(text, METRICS, "metric")


def build_metric(form: Mapping[str, Any]) -> Metric:
    """Rebuild a metric from its `to_dict`; InputError: the name is unknown, or the fields are not its own.

    >>> build_metric(PointingGame(tolerance=15).to_dict())
    PointingGame(tolerance=15)
    """
    return build_named(form, METRICS, "metric")


__all__ = [
    "METRICS",
    "MPRT",
    "ROAD",
    "AverageSensitivity",
    "CompletenessError",
    "Complexity",
    "Deletion",
    "EffectiveComplexity",
    "EfficientMPRT",
    "Explain",
    "Infidelity",
    "Insertion",
    "IntersectionOverUnion",
    "LeastRelevantFirst",
    "LocalizationAUC",
    "MaxSensitivity",
    "MostRelevantFirst",
    "Necessity",
    "NonSensitivity",
    "PointingGame",
    "RandomLogit",
    "RelevanceGain",
    "RelevanceMass",
    "RelevanceRank",
    "SeedStability",
    "SeededExplain",
    "SmoothMPRT",
    "Sparseness",
    "Sufficiency",
    "SupportSize",
    "TopKIntersection",
    "WeightedRelevanceMass",
    "as_metric",
    "build_metric",
    "draw_boxes",
    "parse_metric",
]
