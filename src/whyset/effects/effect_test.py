"""The configuration of a test of effects."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from whyset.arguments import seed_number, whole_number
from whyset.errors import InputError
from whyset.interventions import Fill, Intervention, as_fill, as_intervention, parse_fill, parse_intervention
from whyset.options.documented import document
from whyset.options.effects import EffectOptions
from whyset.store.jsonfile import JSON
from whyset.store.layout import safe_name

CANDIDATE_FACTOR = 2
"""Candidates have more fresh hosts than random samples, because they are looked at one by one."""


@document
@dataclass(frozen=True)
class EffectTest(EffectOptions):
    """A test of the effects of interventions, in two stages.

    The evidence of each sample is inserted into a few hosts, which select candidates. The effects of the candidates,
    and of random samples, are then measured on fresh hosts, together with their null and with removal.

    {parameters}

    Raises
    ------
    InputError
        A parameter is out of range, or an intervention is given twice.

    Examples
    --------
    >>> EffectTest(interventions=["window:side=6"]).interventions
    (Window(side=6),)
    """

    def __post_init__(self) -> None:
        safe_name(self.name, "name of effects")
        for name, least in (("n_selection_hosts", 1), ("n_hosts", 1), ("n_candidates", 2), ("n_random", 2)):
            object.__setattr__(self, name, whole_number(f"EffectTest: {name}", getattr(self, name), least))
        object.__setattr__(self, "seed", seed_number(self.seed))
        object.__setattr__(self, "fill", parse_fill(self.fill) if isinstance(self.fill, str) else as_fill(self.fill))
        if self.interventions is not None:
            object.__setattr__(self, "interventions", _make_interventions(self.interventions))
        if self.budget is not None:
            object.__setattr__(self, "budget", _require_budget(self.budget))

    def get_fill(self, intervention: Intervention) -> Fill:
        """Return the fill for removal: the given one if the intervention allows it, otherwise the host."""
        assert isinstance(self.fill, Fill)
        return self.fill if self.fill.name in intervention.fills else as_fill("host")

    @property
    def n_candidate_hosts(self) -> int:
        """The number of fresh hosts of each candidate."""
        return CANDIDATE_FACTOR * self.n_hosts

    @property
    def n_needed_hosts(self) -> int:
        """The number of samples of other classes that each sample needs, the last two for the null and for removal."""
        return self.n_selection_hosts + self.n_candidate_hosts + 2

    def to_dict(self, interventions: Iterable[Intervention]) -> dict[str, JSON]:
        """Return the stored form, with the chosen interventions."""
        assert isinstance(self.fill, Fill)
        return {
            "interventions": [one.to_dict() for one in interventions],
            "fill": self.fill.to_dict(),
            "n_selection_hosts": self.n_selection_hosts,
            "n_hosts": self.n_hosts,
            "n_candidate_hosts": self.n_candidate_hosts,
            "n_candidates": self.n_candidates,
            "n_random": self.n_random,
            "budget": self.budget,
            "seed": self.seed,
        }


def _make_interventions(given: Any) -> tuple[Intervention, ...]:
    several = [given] if isinstance(given, str | Intervention) else given
    if not isinstance(several, Iterable):
        raise InputError(f"EffectTest: expected interventions, got {given!r}")
    found = tuple(parse_intervention(one) if isinstance(one, str) else as_intervention(one) for one in several)
    if not found:
        raise InputError("EffectTest: expected at least one intervention, or None for a choice by the modality")
    repeated = next((one for one in found if found.count(one) > 1), None)
    if repeated is not None:
        raise InputError(f"EffectTest: the intervention {repeated!r} is given twice")
    return found


def _require_budget(given: Any) -> float:
    number = float(given) if isinstance(given, int | float) and not isinstance(given, bool) else math.nan
    if not 0 < number < math.inf:
        raise InputError(f"EffectTest(budget={given!r}): expected a multiple of explain's time above 0, or None")
    return number
