"""Models of the answers about one finding: how it was confirmed, its fixes, and its samples before and after a fix."""

from typing import Literal

from whyset.report.finding_tests import Stage
from whyset.report.next_commands import Language
from whyset.store.effects.records import EffectSummary, Estimate
from whyset.store.fixes import HeldOutShares
from whyset.viewer.schemas import FindingCard, Model

Part = Literal["carrier", "class", "other"]
"""Samples that carry the evidence, other samples of the class, and those of other classes."""


class ShownCommand(Model):
    """A command to copy: what it does, its text, and whether it is for a shell or for Python."""

    purpose: str
    text: str
    language: Language


class ShownTrial(Model):
    """The fresh hosts of a sample: their number, and those that its evidence and its null turn into the class.

    `stage`: whether the sample was chosen by its effect. `carries`: whether it is one of the finding.
    """

    row: int
    stage: Stage
    hosts: int
    turned: int
    null_turned: int
    carries: bool


class Confirmation(Model):
    """The test of a finding with its results.

    `problem` states why it is not confirmed, or no longer, null otherwise; `commands` then confirm it. `trials` are
    those of single samples, the largest effects first, of `n_trials`; `trials_problem` states why there are none.
    `strongest` are the rows of the carriers whose evidence turns most hosts.
    """

    problem: str | None
    intervention: str
    null: str
    details: list[str]
    effect: EffectSummary | None
    specificity: Estimate | None
    others_share: Estimate | None
    prevalence: Estimate
    score: float | None
    exclusiveness: float | None
    independence: float | None
    trials: list[ShownTrial]
    n_trials: int
    trials_problem: str | None
    strongest: list[int]
    commands: list[ShownCommand]


class CollateralChange(Model):
    """The change of the accuracy of a class on held-out samples without the evidence."""

    name: str
    n_samples: int
    change: float


class FixRow(Model):
    """A fix on held-out samples; estimates are null if they are not defined, or `problem` states why it was not made.

    `accuracy` and `own_class` are differences, from equal training as `control` states it, if that is not null.
    `others` are the largest changes among the other classes, and `shares` accuracies with and without the evidence.
    """

    id: str
    text: str
    title: str
    recommended: bool
    changes_weights: bool
    control: str | None
    turned: Estimate | None
    null: Estimate | None
    reduced: Estimate | None
    regained: Estimate | None
    accuracy: Estimate | None
    own_class: Estimate | None
    relevance: Estimate | None
    shares: HeldOutShares | None
    others: list[CollateralChange]
    seconds: float
    notes: list[str]
    problem: str | None


class FixTable(Model):
    """The fixes of a finding, and which one is recommended with the reason.

    `recommended` is null if none helped, or not all are finished; `notices` state that fixes are outdated or cannot be
    read. `before` describes the model before a fix, `turned` and `null` what the evidence and its null turn then, and
    `relevance` the share of the positive relevance on the evidence; `shares` are accuracies before a fix.
    """

    notices: list[str]
    before: str
    turned: Estimate | None
    null: Estimate | None
    relevance: Estimate | None
    shares: HeldOutShares | None
    recommended: str | None
    finished: bool
    reason: str
    fixes: list[FixRow]
    commands: list[ShownCommand]


class FixedRun(Model):
    """An open run that explains a fixed model; `problem` states that the fix was made again since, or is unknown."""

    id: str
    name: str
    fix: str
    text: str
    problem: str | None


class FindingPage(Model):
    """Everything about a finding that its page shows.

    `card` is null for a finding of an earlier search of which only fixes are left. `note` is what is to be known about
    the commands, and `earlier` are such findings of the same class. `explain` makes the run of a fixed model.
    """

    id: str
    search: str
    searches: list[str]
    class_name: str
    sentence: str
    notices: list[str]
    note: str
    card: FindingCard | None
    confirmation: Confirmation | None
    fixes: FixTable
    fixed_runs: list[FixedRun]
    explain: list[ShownCommand]
    earlier: list[str]


class FixedSample(Model):
    """A sample before and after a fix: its rows in both runs, and what is predicted with which probability."""

    row: int
    other_row: int
    id: str
    part: Part
    label_name: str | None
    before: str | None
    before_confidence: float | None
    after: str | None
    after_confidence: float | None
    changed: bool


class PartCount(Model):
    """The number of samples of a part, and of those whose prediction changed."""

    part: Part
    total: int
    changed: int


class FixedSamples(Model):
    """Some samples before and after a fix: those with the evidence, the rest of the class, others that changed.

    `total` is the number of all that match the request. `left_out` counts the samples of the class that are not
    explained in both runs.
    """

    samples: list[FixedSample]
    total: int
    parts: list[PartCount]
    left_out: int
