"""Records of tuning: the candidates, their values on the tuning samples, and the comparison on held-out samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar, Literal

from whyset.store.effects.records import Estimate
from whyset.store.evaluations.records import Better
from whyset.store.evidence.records import PYDANTIC, Interval
from whyset.store.summary_table import make_summary_table

TUNING_SCHEMA = "1.0"
"""Version of the stored form; a new optional field raises the minor number."""
SIGNIFICANT = 0.05
"""The p-value below which a difference on held-out samples is significant."""

Kind = Literal["preset", "searched"]


@dataclass(frozen=True)
class TuningCandidate:
    """A method that was compared on the tuning samples.

    Parameters
    ----------
    name : str
        Its name: that of the preset, or the parameters of the configuration.
    kind : {"preset", "searched"}
        Whether it is a preset, or a configuration of the search space.
    method : Mapping
        The stored form of the method, with all parameters; empty if it could not be made.
    configuration : Mapping or None
        The parameters of the search space; None for a preset.
    values : tuple of float or None
        The metric for each tuning sample, None where it is not defined; empty if it was not measured.
    seconds : float
        The time of explaining and measuring.
    problem : str or None
        Why it was not measured, such as relevance that is not finite; otherwise None.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    name: str
    kind: Kind
    method: Mapping[str, Any]
    configuration: Mapping[str, Any] | None = None
    values: tuple[float | None, ...] = ()
    seconds: float = 0.0
    problem: str | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} candidate {self.name}: {self.problem or self.value}>"

    @property
    def value(self) -> float | None:
        """The mean of the metric over the tuning samples for which it is defined; None if it has a problem."""
        known = [one for one in self.values if one is not None]
        return None if self.problem is not None or not known else fmean(known)


@dataclass(frozen=True)
class HeldOutMetric:
    """A metric of the best searched candidate and of the best preset, on the same held-out samples.

    Parameters
    ----------
    metric : Mapping
        The stored form of the metric.
    title : str
        Its name with the parameters that are not the default.
    better : {"higher", "lower"} or None
        Which values are those of better explanations.
    tuned, preset : Estimate or None
        The means of both; None if there is none.
    random : Estimate or None
        The mean of random relevance; None for metrics that explain further inputs.
    difference : float or None
        The mean of tuned − preset over the samples for which both are defined.
    interval : pair of float or None
        Its interval of 95 % (bootstrap, paired).
    p_value : float or None
        The p-value of the difference by random signs, two-sided.
    n_samples : int
        The number of samples for which both are defined.
    problem : str or None
        Why it was not measured; otherwise None.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    metric: Mapping[str, Any]
    title: str
    better: Better | None
    tuned: Estimate | None = None
    preset: Estimate | None = None
    random: Estimate | None = None
    difference: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    n_samples: int = 0
    problem: str | None = None

    @property
    def numbers(self) -> str:
        """The difference with its interval, p-value and number of samples; empty if it is not known."""
        if self.difference is None or self.interval is None or self.p_value is None:
            return ""
        p = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        low, high = self.interval
        return f"{self.difference:+.3g} [{low:+.3g}, {high:+.3g}], {p}, {self.n_samples} held-out samples"

    def describe(self) -> str:
        """Return the title and the difference."""
        return f"{self.title} ({self.numbers or self.problem or 'not defined'})"

    @property
    def verdict(self) -> Literal["better", "worse", "equal", "unknown"]:
        """The tuned candidate against the preset: significantly better or worse by this metric, or neither ("equal").

        A difference is significant if the p-value is below 0.05 and the interval does not contain 0: with skewed
        differences, one of them can be without the other. "unknown": the metric was not measured, or only describes.
        """
        if self.p_value is None or self.interval is None or self.difference is None or self.better is None:
            return "unknown"
        if self.p_value >= SIGNIFICANT or self.interval[0] <= 0 <= self.interval[1]:
            return "equal"
        return "better" if (self.difference > 0) == (self.better == "higher") else "worse"


@dataclass(frozen=True)
class TunedOn:
    """The model and the samples that a method was tuned on.

    Parameters
    ----------
    model : str
        The name of the model.
    weights_hash, layers_hash : str
        Hashes of its weights, and of its layers with their shapes.
    data : str or None
        The fingerprint of the data set, as in run.json.
    target : str
        The explained target.
    modality : str
        The kind of samples.
    tuning_samples, held_out_samples : tuple of str
        The ids of the samples by which a candidate was chosen, and of those that the choice has not seen.
    inputs_hash : str or None
        A hash of the inputs of all of them.
    seed : int
        The seed of random choices.
    versions : mapping of str to str
        Versions of packages.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    model: str
    weights_hash: str
    layers_hash: str
    data: str | None
    target: str
    modality: str
    tuning_samples: tuple[str, ...]
    held_out_samples: tuple[str, ...]
    inputs_hash: str | None
    seed: int
    versions: Mapping[str, str]


@dataclass(frozen=True, repr=False)
class Tuning:
    """The result of `tune`: the recommended method, all candidates, and the comparison on held-out samples.

    Parameters
    ----------
    metric : Mapping
        The stored form of the metric that chose.
    title : str
        Its name with the parameters that are not the default.
    better : {"higher", "lower"}
        Which of its values are better.
    candidates : tuple of TuningCandidate
        The presets, then the configurations of the search in order.
    preset : str
        The name of the best preset on the tuning samples.
    tuned : str or None
        The name of the best searched candidate on the tuning samples; None if none could be measured.
    chosen : str
        The name of the recommended one: the tuned candidate if it is significantly better than the preset on held-out
        samples, and otherwise the preset.
    held_out : tuple of HeldOutMetric
        The metric that chose, first, and metrics of other properties, on held-out samples.
    tuned_on : TunedOn
        The model, the data, the samples and the versions.
    composite : str or None
        The name of the best preset with rules of LRP, which is `preset` if no other method is better; None without one.
    against_composite : HeldOutMetric or None
        The metric that chose, of the tuned candidate and of `composite` in place of the preset; None without one of
        them.
    seconds : float
        The time of everything.
    notices : tuple of str
        Sentences on what limits the result.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    metric: Mapping[str, Any]
    title: str
    better: Literal["higher", "lower"]
    candidates: tuple[TuningCandidate, ...]
    preset: str
    tuned: str | None
    chosen: str
    held_out: tuple[HeldOutMetric, ...]
    tuned_on: TunedOn
    composite: str | None = None
    against_composite: HeldOutMetric | None = None
    seconds: float = 0.0
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<tuning of {len(self.candidates):,} candidates by {self.title}: {self.chosen}>"

    def _repr_html_(self) -> str:
        """The table that notebooks show: the sentence, and the best candidates."""
        facts = [("result", self.describe())]
        facts += [(one.name, f"{one.value:.4g} on the tuning samples") for one in self.ranked[:5]]
        return make_summary_table(repr(self).strip("<>"), facts)

    @property
    def ranked(self) -> list[TuningCandidate]:
        """The candidates that were measured, the best first."""
        sign = -1 if self.better == "higher" else 1
        return sorted(
            (one for one in self.candidates if one.value is not None), key=lambda one: sign * (one.value or 0)
        )

    @property
    def failed(self) -> list[TuningCandidate]:
        """The candidates that could not be measured, with their `problem`."""
        return [one for one in self.candidates if one.problem is not None]

    @property
    def is_better(self) -> bool:
        """True if the tuned candidate is significantly better than the best preset on held-out samples."""
        return self.chosen == self.tuned

    @property
    def rules(self) -> str | None:
        """The recommended candidate with rules of LRP; None if there is none.

        It is the tuned one if it is significantly better than the best composite on held-out samples.
        """
        against = self.against_composite
        return self.tuned if against is not None and against.verdict == "better" else self.composite

    @property
    def disagreeing(self) -> list[HeldOutMetric]:
        """The metrics of other properties by which the tuned candidate is significantly worse than the preset."""
        return [one for one in self.held_out[1:] if one.verdict == "worse"]

    def describe(self) -> str:
        """Return the sentences on whether tuning was worth it."""
        if self.tuned is None:
            return f"No searched candidate could be measured: use preset {self.preset}."
        first = self.held_out[0]
        if first.problem is not None:
            return f"The comparison on held-out samples is not defined ({first.problem}): use preset {self.preset}."
        if first.interval == (0.0, 0.0):
            return f"The search found nothing else than preset {self.preset}: use that one."
        if self.is_better:
            return f"Better than the best preset {self.preset} by {first.describe()}: {self.tuned}."
        found = f"Not better than preset {self.preset} by {first.describe()}: use that one."
        against = self.against_composite
        if self.composite is None or self.composite == self.preset or against is None or against.problem is not None:
            return found
        if against.verdict == "better":
            won = f"better than the best composite {self.composite} ({against.numbers}): {self.tuned}"
            return f"{found} Among rules, {won}."
        return f"{found} Among rules, not better than composite {self.composite} ({against.numbers})."
