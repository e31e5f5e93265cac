"""The configuration of an evaluation, checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from whyset.arguments import seed_number, whole_number
from whyset.errors import InputError
from whyset.evaluation.metrics import Metric, as_metric
from whyset.options.evaluate import EvaluateOptions
from whyset.store.layout import safe_name

DEFAULT_METRICS = (
    "relevance_gain",
    "most_relevant_first",
    "least_relevant_first",
    "deletion",
    "insertion",
    "road",
    "max_sensitivity",
    "efficient_mprt",
    "random_logit",
    "relevance_mass",
    "relevance_rank",
    "pointing_game",
    "iou",
    "complexity",
    "sparseness",
)
"""The metrics that are measured if none are named: of each property one or few, those that take minutes, not hours.

Others are left out because they measure the same (average sensitivity), depend on the scale of relevance, which is
arbitrary for many methods (infidelity, completeness), describe masks and not relevance (sufficiency and necessity), or
take many times as long (MPRT over all layers, smooth MPRT, stability across seeds).
"""


@dataclass(frozen=True, eq=False)
class EvaluateConfig(EvaluateOptions):
    """Configuration of `evaluate`: its options, checked; see there."""

    def __post_init__(self) -> None:
        safe_name(self.name, "name of an evaluation")
        object.__setattr__(self, "seed", seed_number(self.seed))
        object.__setattr__(self, "n_samples", whole_number("n_samples", self.n_samples, 2))
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", whole_number("batch_size", self.batch_size, 1))
        if self.metrics is not None:
            object.__setattr__(self, "metrics", make_metrics(self.metrics))
        if self.has_attributors and self.model is None:
            raise InputError("attributors are evaluated with model=, the model that they explain, and x=, its inputs")
        if self.has_attributors and not self.explanations:
            raise InputError("expected one or more attributors, got an empty mapping")
        if not self.has_attributors and (self.x is not None or self.target is not None):
            raise InputError("x= and target= are for attributors: runs have their own samples and targets")

    @property
    def has_attributors(self) -> bool:
        """True if attributors are evaluated, not runs."""
        return isinstance(self.explanations, Mapping)

    @property
    def chosen_metrics(self) -> tuple[Metric, ...]:
        """The metrics: the given ones, or `DEFAULT_METRICS`."""
        if self.metrics is None:
            return tuple(map(as_metric, DEFAULT_METRICS))
        found: Any = self.metrics  # converted by __post_init__
        return tuple(found)

    @property
    def is_explicit(self) -> bool:
        """True if metrics were named, so that one that cannot be measured is an error."""
        return self.metrics is not None


def make_metrics(given: Any) -> tuple[Metric, ...]:
    """Resolve metrics; InputError: one is unknown or given twice, or there is none."""
    several = [given] if isinstance(given, str | Metric) else given
    if not isinstance(several, Iterable):
        raise InputError(f"metrics: expected metrics or their names, got {given!r}")
    found = tuple(map(as_metric, several))
    if not found:
        raise InputError("metrics: expected at least one metric, or None for all that can be computed")
    repeated = next((one for one in found if found.count(one) > 1), None)
    if repeated is not None:
        raise InputError(f"metrics: {repeated!r} is given twice")
    return found
