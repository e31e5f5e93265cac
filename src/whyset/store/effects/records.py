"""Records of effects: what interventions do to the predictions of a model, for samples and for classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from whyset.printable import short_dataclass_repr
from whyset.store.evidence.records import PYDANTIC, Interval

EFFECTS_SCHEMA = "1.0"
"""Version of the stored form; a new optional field raises the minor number."""


@dataclass(frozen=True)
class Estimate:
    """A mean over samples, with an interval of 95 %; None where fewer than two samples make an interval impossible."""

    __pydantic_config__: ClassVar = PYDANTIC

    value: float
    interval: Interval | None
    n_samples: int


@dataclass(frozen=True)
class SelectionTrials:
    """Insertions that select candidates: columns with one entry for each sample.

    `rows` are those of the run; `hosts` counts the hosts, `turned` those whose prediction became the class and was
    another one before, and `log_odds` is the mean change of the log-odds of the class.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    rows: tuple[int, ...] = ()
    hosts: tuple[int, ...] = ()
    turned: tuple[int, ...] = ()
    log_odds: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.rows):,} samples>"


@dataclass(frozen=True, repr=False)
class FreshTrials(SelectionTrials):
    """Insertions into fresh hosts, and of the null into the same hosts; columns with one entry for each sample.

    `predicted` is True where the class is predicted for the sample itself, and its evidence could be removed; `removed`
    where it is then no longer predicted, and `null_removed` likewise without the null, None for statistics of whole
    samples, which have no other part to remove. `removal_log_odds` is the change of the log-odds by removal.
    """

    null_turned: tuple[int, ...] = ()
    null_log_odds: tuple[float, ...] = ()
    predicted: tuple[bool, ...] = ()
    removed: tuple[bool, ...] = ()
    removal_log_odds: tuple[float, ...] = ()
    null_removed: tuple[bool, ...] | None = None


@dataclass(frozen=True)
class EffectSummary:
    """Means over the samples of `FreshTrials`.

    `turned` and `null_turned` are shares of hosts, `difference` is the first minus the second, paired by sample;
    `log_odds` is the change of log-odds by the evidence minus that by the null. `removed` and `null_removed` are shares
    of the samples that are predicted as the class; None if there are none, or no null.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    turned: Estimate
    null_turned: Estimate
    difference: Estimate
    log_odds: Estimate
    removed: Estimate | None = None
    null_removed: Estimate | None = None


@dataclass(frozen=True, repr=False)
class InterventionEffects:
    """The effects of one intervention in one class.

    `intervention` is the stored form, `text` its description, `null_text` that of its null, and `fill` the name of what
    removed evidence is replaced by. `n_without_evidence` counts the samples of the selection without evidence, such as
    those without positive relevance. `screening` are trials of all tested samples on their first host, of which those
    with the largest effects take part in the `selection`; empty if all of them do. `candidates` are the samples with
    the largest effects in `selection`, measured on fresh hosts, and `random` are samples that were drawn without regard
    to their effects.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    intervention: Mapping[str, Any]
    text: str
    null_text: str
    fill: str
    n_without_evidence: int
    screening: SelectionTrials
    selection: SelectionTrials
    candidates: FreshTrials
    random: FreshTrials
    candidate_effect: EffectSummary
    random_effect: EffectSummary

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    @property
    def unselected(self) -> SelectionTrials:
        """The trials of the first stage in which all tested samples took part."""
        return self.screening if self.screening.rows else self.selection


@dataclass(frozen=True, repr=False)
class ClassEffects:
    """The effects in one class, of `n_samples` explained samples of which `n_tested` took part in the first stage.

    `n_evaluations` counts the inputs that the model was called with. `problem` states why the class was not tested, or
    is None; `not_tested` are the reasons for single interventions, by their description.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    n_samples: int = 0
    n_tested: int = 0
    n_evaluations: int = 0
    problem: str | None = None
    not_tested: Mapping[str, str] | None = None
    interventions: tuple[InterventionEffects, ...] = ()

    def __repr__(self) -> str:
        return short_dataclass_repr(self)


@dataclass(frozen=True)
class EffectPlan:
    """The plan of a test, made before its first class from measured times.

    Parameters
    ----------
    n_explanations : int
        The explanations of the run.
    explain_seconds : float
        The measured time of one explanation: processor time, or the time on a GPU.
    evaluation_seconds : float
        The measured time of one evaluation of the model on a changed input, the change included; the mean over the
        interventions.
    n_hosts : int
        The number of samples of the data set that can be hosts; they are read once by each worker.
    n_tested : int or None
        The largest number of samples of a class that take part in the first stage; None for all.
    n_selection : int or None
        The largest number of samples of a class that take part in the selection; None for all. Classes with more
        are screened before, on one host for each sample.
    n_candidates, n_random : int
        The largest number of samples of a class that are measured on fresh hosts.
    n_evaluations : int
        The planned number of evaluations over all classes.
    budget : float or None
        The permitted time as a multiple of that of the explanations; None for no limit.
    planned : float
        The planned time as such a multiple.
    complete : float
        The multiple that would be needed to test all samples, with as many candidates as the test states.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    n_explanations: int
    explain_seconds: float
    evaluation_seconds: float
    n_hosts: int
    n_tested: int | None
    n_selection: int | None
    n_candidates: int
    n_random: int
    n_evaluations: int
    budget: float | None
    planned: float
    complete: float

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """The numbers that determine results; the others are times, which differ between measurements."""
        return self.n_hosts, self.n_tested, self.n_selection, self.n_candidates, self.n_random

    @property
    def is_reduced(self) -> bool:
        """True if the budget does not allow all samples, or as many candidates as the test states."""
        return self.planned < self.complete
