"""Sanity checks of a run, made, reported and stored after its first shard and at its end."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch

from whyset.attribution.composites import Composite, as_composite
from whyset.attribution.methods import GradientMethod, Method
from whyset.engines import Progress
from whyset.runner.accuracy import check_chance, check_order
from whyset.runner.output_kinds import NO_CLASS
from whyset.runner.sources import UNKNOWN
from whyset.runner.tallies import CLIPPED, CONSTANT, INPUT_RANGE, LABELS, REPEATED
from whyset.store import Check, Run
from whyset.store.checks import read_checks_or_problem, write_checks
from whyset.store.commits import Tally, read_commits
from whyset.store.layout import CHECKS, DONE, STATUS

_OFTEN = 0.05
"""A larger share of constant maps is a warning; fewer are expected if some inputs are empty."""


@dataclass(frozen=True)
class Gate:
    """Checks of one run; `known` ones precede its first shard, `name_first_rule` names the first layer's rule."""

    run: Run
    progress: Progress
    known: tuple[Check, ...] = ()
    name_first_rule: Callable[[], str] = field(default=lambda: "")

    def begin(self) -> None:
        """Report the checks known before the first shard."""
        self._say(self.known, "")

    def report(self, when: str = "") -> None:
        """Run the checks, store and report them; `when` states how far the run is."""
        found = find_checks(self.run, self.name_first_rule)
        self._store((*self.known, *found))
        warnings = [
            check for check in self.known if check.severity != "note"
        ]  # notes are reported once, in the beginning
        self._say((*self.run.relevance_checks, *warnings, *found), when)

    def _say(self, checks: Iterable[Check], when: str) -> None:
        for check in checks:
            report = self.progress.warn if check.severity == "warning" else self.progress.info
            report(f"{check.severity}{when}: {check.message}")

    def _store(self, checks: tuple[Check, ...]) -> None:
        """Store the checks, also an empty list, so that a lost file is noticed.

        Checks that cannot be stored are still reported: they must not end the run.
        """
        if (self.run.path / CHECKS).exists() and checks == read_checks_or_problem(self.run.path):
            return
        try:
            write_checks(self.run.path, checks)
        except OSError as error:
            self.progress.warn(f"the checks of the run could not be stored: {error}")


def find_checks(run: Run, name_first_rule: Callable[[], str]) -> tuple[Check, ...]:
    """Find suspicious labels, predictions, inputs and relevance maps in the committed rows."""
    each = run.config.targets_per_sample
    every = run.column("prediction")
    known = (run.column(STATUS) == DONE) & (run.labels != UNKNOWN) & (every != NO_CLASS)
    rows = each * np.flatnonzero(known[::each])
    labels, prediction = run.labels[rows], every[rows]
    tallies = add_tallies(commit.tallies for commit in read_commits(run.path, run.committed_shards()))
    found = (
        check_chance(labels, prediction, len(run.classes)),
        check_order(labels, prediction, run.classes),
        *(_make_warning(name, tallies.get(name), message) for name, message in _COUNTED.items()),
        _check_constant(tallies.get(CONSTANT), name_first_rule),
        _check_repeated(tallies.get(REPEATED), name_first_rule),
    )
    return tuple(check for check in found if check is not None)


def add_tallies(parts: Iterable[Mapping[str, Tally]]) -> dict[str, Tally]:
    """Sum the counts of all shards by name."""
    sums: dict[str, Tally] = {}
    for part in parts:
        for name, tally in part.items():
            before = sums.get(name, Tally(0, 0))
            sums[name] = Tally(before.count + tally.count, before.total + tally.total)
    return sums


_COUNTED = MappingProxyType(
    {
        INPUT_RANGE: "inputs have values outside the range that the preprocessing implies (from black to white): check "
        "--mean and --std, and whether values from 0 to 255 should be normalized",
        CLIPPED: "inputs have values outside the measured range: they are shown as black or white, and the bounds of "
        "rules such as ZBox do not hold for them: state the range, as its note describes",
        LABELS: "samples come with another label than the data set lists for them (targets, labels): the accuracy is "
        "that of the listed labels, but `target=label` explains the class that comes with the sample",
    }
)
"""Messages of checks that count any occurrence, to follow the words "3 of 40"."""


def _make_warning(name: str, tally: Tally | None, message: str) -> Check | None:
    if tally is None or not tally.count:
        return None
    return Check(name, "warning", tally.count, tally.total, f"{tally.count:,} of {tally.total:,} {message}")


def _check_constant(tally: Tally | None, name_first_rule: Callable[[], str]) -> Check | None:
    if tally is None or not tally.count:
        return None
    often = tally.count > _OFTEN * tally.total
    cause = f"; {name_first_rule()}" if often else ""
    message = (
        f"{tally.count:,} of {tally.total:,} relevance maps are constant: they have the same value everywhere{cause}"
    )
    return Check(CONSTANT, "warning" if often else "note", tally.count, tally.total, message)


def _check_repeated(tally: Tally | None, name_first_rule: Callable[[], str]) -> Check | None:
    if tally is None or tally.count <= _OFTEN * tally.total:
        return None
    message = (
        f"{tally.count:,} of {tally.total:,} compared relevance maps equal that of another sample with the same "
        f"target, up to a factor, though their inputs differ: they do not depend on the sample; {name_first_rule()}"
    )
    return Check(REPEATED, "warning", tally.count, tally.total, message)


def name_cause(model: torch.nn.Module, method: Method, x: torch.Tensor) -> str:
    """Name the likely cause of maps that do not depend on the input."""
    if isinstance(method, GradientMethod):
        return name_first_rule(model, as_composite(method.composite), x)
    return f"a likely cause is a parameter of the method ({method.describe()}), or a model that ignores the input"


def name_first_rule(model: torch.nn.Module, composite: Composite | None, x: torch.Tensor) -> str:
    """Name the likely cause of maps that do not depend on the input: the rule of the first layer."""
    if composite is None:
        return "the plain gradient of a linear model is the same for all inputs"
    if not x.is_floating_point():  # a plan follows the gradient of the input, and ids have none
        return f"the likely cause is {type(composite).__name__}, or a model that ignores the tokens"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were shown when the first samples were explained
        try:
            steps = composite.plan(model, x).steps
        except Exception:  # for instance, tokens cannot be planned: a check must not end the run
            return f"a likely cause is the rule that {type(composite).__name__} has for the first layer"
    first = next((step for step in steps if step.rule is not None), None)
    if first is None:
        return f"{type(composite).__name__} applies no rule to this model"
    place = f"{first.module} ({first.operation})" if first.module else first.operation
    return f"the likely cause is the rule of the first layer, {type(first.rule).__name__} at {place}"
