"""The fixes of findings in the report: what each changes on held-out samples, and which one is recommended."""

from dataclasses import dataclass

from whyset.errors import BrokenRunError, InputError
from whyset.report.numbers import percent
from whyset.store import Run
from whyset.store.effects.records import Estimate
from whyset.store.fixes import ClassChange, FixComparison, FixSplit, HeldOutShares, TriedFix
from whyset.store.fixes.files import read_fix

HEADINGS = ("fix", "turned", "reduced", "regained", "accuracy", "own class", "seconds")
SHARES = ("model", "accuracy", "own class", "inserted", "removed", "necessity", "on evidence")
_NOTE = (
    "turned: hosts of other classes that the evidence turns into the class; reduced, regained: the parts of its effect "
    "that are gone, and of the lost accuracy that are back; accuracy, own class: differences in percentage points on "
    "samples without the evidence, from equal training without the fix where weights were trained."
)
_NOTE_ON_SHARES = (
    "Before and after: accuracy, own class: accuracies on samples without the evidence, of all classes and of that of "
    "the finding; inserted: accuracy on samples of other classes with the evidence inserted; removed: share of the "
    "samples with the evidence that are predicted as their label when something of other samples takes its place; "
    "necessity: share of those predicted as their label with the evidence that then are not; on evidence: the part of "
    "the positive relevance of samples with the evidence that is on it. All samples are held out, and intervals are of "
    "95 %."
)
Cells = tuple[str, ...]
Table = tuple[Cells, list[Cells]]
_OF_RUN = "Samples are those of the run: if the model was trained on them, costs on new data may differ."
_OF_OTHER = "Where samples of the other data have the evidence, costs are counted too high."
_SHOWN_CLASSES = 3


@dataclass(frozen=True)
class ReportedFixes:
    """The fixes of a finding; `comparison` is None, and a notice says why, if they cannot be read."""

    finding: str
    comparison: FixComparison | None = None
    notices: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The heading of its section."""
        return f"Fixes of finding {self.finding}"

    @property
    def before(self) -> str:
        """A sentence on the model before it is fixed."""
        return "" if self.comparison is None else describe_before(self.comparison)

    @property
    def tables(self) -> list[Table]:
        """The tables of the fixes that were made."""
        return [] if self.comparison is None else list_tables(self.comparison)

    @property
    def notes(self) -> list[str]:
        """The recommendation, the notices, what could not be made, and the meaning of the numbers."""
        if self.comparison is None:
            return list(self.notices)
        found = self.comparison
        return [describe_recommendation(found), *self.notices, *describe_rest(found), explain_numbers(found)]


def read_fixes(run: Run) -> tuple[ReportedFixes, ...]:
    """Read the fixes of all findings; damaged ones become a notice, so that the rest of the report can be read."""
    return tuple(_read(run, finding) for finding in run.fixes)


def _read(run: Run, finding: str) -> ReportedFixes:
    try:
        found, outdated = read_fix(run.path, finding)
    except (BrokenRunError, InputError) as error:
        return ReportedFixes(finding, notices=(f"The fixes cannot be read: {error}.",))
    old = ("The fixes were made from other commits than the run has now; fix the finding again.",) if outdated else ()
    return ReportedFixes(finding, found, old)


def describe_before(found: FixComparison) -> str:
    """Describe what the evidence does to the model before it is fixed, and the samples that judge."""
    split = found.split
    return (
        f"Before a fix, the evidence turns {format_share(found.turned)} of {split.n_hosts:,} held-out samples of other "
        f"classes into {found.class_name}, and that of the rest of the class {format_share(found.null)}"
        f"{_describe_relevance(found)}. "
        f"{_describe_judges(split)}; {split.n_making:,} made the fixes (seed {split.seed})."
    )


def _describe_relevance(found: FixComparison) -> str:
    return "" if found.relevance is None else f"; {format_share(found.relevance)} of the positive relevance is on it"


def explain_numbers(found: FixComparison) -> str:
    """Explain the columns of the table, and what its numbers hold for."""
    notes = [_NOTE, *([_NOTE_ON_SHARES] if _list_shares(found) else [])]
    return " ".join([*notes, _OF_RUN if found.split.holdout is None else _OF_OTHER])


def _describe_judges(split: FixSplit) -> str:
    """Describe the samples that judge."""
    other = split.holdout
    if other is None:
        return f"{split.n_judging:,} samples judge, {split.n_carriers_judging:,} of them with the evidence"
    reasons = {"are samples of the run": other.n_of_run, "are unreadable or have no label": other.n_unusable}
    left_out = " and ".join(f"{count:,} that {reason}" for reason, count in reasons.items() if count)
    return (
        f"{split.n_judging:,} samples of {other.name} judge{f' (without {left_out})' if left_out else ''}, with the "
        f"evidence of {split.n_carriers_judging:,} samples of the run"
    )


def describe_recommendation(found: FixComparison) -> str:
    """Return the recommendation as a sentence."""
    if found.recommended is None:
        return found.reason
    return f"Recommended: {found.get().text}. {found.reason}"


def describe_rest(found: FixComparison) -> list[str]:
    """Return sentences on classes that the recommended fix changes most, and fixes that were not made."""
    lines = [] if found.recommended is None else _describe_collateral(found.get())
    lines += [f"{one.text} was not made: {one.problem}" for one in found.fixes if one.problem is not None]
    lines += [f"{one.text} is not finished: fix the finding again" for one in found.unfinished]
    return [f"{line.rstrip('.')}." for line in lines]


def list_tables(found: FixComparison) -> list[Table]:
    """Return headings and rows of two tables: what each fix changes, and the models before and after; none is empty."""
    return [table for table in ((HEADINGS, _list_changes(found)), (SHARES, _list_shares(found))) if table[1]]


def _list_changes(found: FixComparison) -> list[Cells]:
    """Return the cells of each fix that was made; the recommended one is marked."""
    return [_list_cells(_name(one, found), one) for one in found.fixes if one.problem is None]


def _name(one: TriedFix, found: FixComparison) -> str:
    return f"{one.text}{' (recommended)' if one.id == found.recommended else ''}"


def _list_shares(found: FixComparison) -> list[Cells]:
    """Return the cells of the model before a fix and of each fixed one; none if nothing is known."""
    after = [(_name(one, found), one.shares, one.relevance) for one in found.fixes if one.problem is None]
    models = [("before", found.shares, found.relevance), *after] if after else []
    known = any(one is not None or relevance is not None for _, one, relevance in models)
    return [_list_share_cells(*model) for model in models] if known else []


def _list_share_cells(name: str, one: HeldOutShares | None, relevance: Estimate | None) -> Cells:
    shares = [None] * 5 if one is None else [one.accuracy, one.own_class, one.inserted, one.removed, one.necessity]
    return (name, *map(_format_counted, (*shares, relevance)))


def _format_counted(found: Estimate | None) -> str:
    """Format a share with its interval; without one, with the number of samples, which is 1."""
    text = format_share(found)
    return text if found is None or found.interval is not None else f"{text} of {found.n_samples:,}"


def format_share(found: Estimate | None, *, points: bool = False) -> str:
    """Format a share in percent with its interval, or a difference of shares in percentage points.

    >>> format_share(Estimate(0.904, (0.844, 0.966), 80))
    '90 % [84, 97]'
    >>> format_share(Estimate(-0.012, (-0.031, 0.004), 80), points=True)
    '-1.2 [-3.1, +0.4]'
    """
    if found is None:
        return "-"
    if points:
        value, *ends = (f"{100 * one:+.1f}" for one in (found.value, *(found.interval or ())))
    else:
        value, *ends = percent(found.value), *(f"{100 * one:.0f}" for one in found.interval or ())
    return f"{value} [{', '.join(ends)}]" if ends else value


def _list_cells(name: str, one: TriedFix) -> Cells:
    return (
        name,
        format_share(one.turned),
        format_share(one.reduced),
        format_share(one.regained),
        format_share(one.accuracy, points=True),
        format_share(one.own_class, points=True),
        f"{one.seconds:.1f}",
    )


def _describe_collateral(one: TriedFix) -> list[str]:
    """Return a sentence on the classes whose accuracy falls most."""
    falling = sorted((each for each in one.classes if get_change(each) < 0), key=get_change)[:_SHOWN_CLASSES]
    if not falling:
        return ["No class loses accuracy on held-out samples without the evidence"]
    listed = ", ".join(f"{each.name} {100 * get_change(each):+.1f} ({each.n_samples:,} samples)" for each in falling)
    return [f"Classes that lose most accuracy, in percentage points: {listed}"]


def get_change(one: ClassChange) -> float:
    """Return the change of the accuracy of a class, from equal training if there is one."""
    return one.after - (one.before if one.control is None else one.control)
