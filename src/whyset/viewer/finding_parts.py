"""The parts of the page of a finding, from the records of a run: how it was confirmed, and its fixes."""

from collections.abc import Iterable, Iterator

from whyset.errors import BrokenRunError, InputError
from whyset.report.finding_tests import (
    SampleTrials,
    describe_intervention,
    describe_null,
    describe_numbers_of_test,
    read_trials,
)
from whyset.report.findings import capital
from whyset.report.fixes import describe_before, get_change
from whyset.report.next_commands import NextCommand, find_again, fix_finding, test_again
from whyset.store import Run
from whyset.store.commits import hash_commits
from whyset.store.findings import Finding, Findings
from whyset.store.fixes import FixComparison, TriedFix
from whyset.store.fixes.files import read_fix
from whyset.store.fixes.origin import is_made_from
from whyset.viewer.finding_schemas import (
    CollateralChange,
    Confirmation,
    FixRow,
    FixTable,
    ShownCommand,
    ShownTrial,
)

MOST_TRIALS = 1000
MOST_STRONGEST = 12
MOST_OTHERS = 3


def show_commands(commands: Iterable[NextCommand]) -> list[ShownCommand]:
    """Make the models of commands."""
    return [ShownCommand(purpose=one.purpose, text=one.text, language=one.language) for one in commands]


def make_confirmation(run: Run, findings: Findings, finding: Finding) -> Confirmation:
    """Describe how a finding was tested, and what it takes to test it if it is not confirmed, or no longer."""
    problem = _find_problem(findings, finding)
    read = SampleTrials() if finding.kind == "not_confirmed" else read_trials(run, findings, finding)
    again: Iterator[NextCommand] = iter(())
    if problem is not None:
        again = find_again(run, findings, findings.name)
    elif read.outdated:
        again = test_again(run, findings)
    strongest = dict.fromkeys(one.row for one in read.trials if one.carries and one.turned)
    tested = finding.kind != "not_confirmed"
    return Confirmation(
        problem=problem,
        intervention=describe_intervention(finding) if tested else "",
        null=describe_null(finding) if tested else "",
        details=describe_numbers_of_test(finding, findings) if tested else [],
        effect=finding.effect,
        specificity=finding.specificity,
        others_share=finding.others_share,
        prevalence=finding.prevalence,
        score=finding.score,
        exclusiveness=finding.exclusiveness,
        independence=finding.independence,
        trials=[ShownTrial(**vars(one)) for one in read.trials[:MOST_TRIALS]],
        n_trials=len(read.trials),
        trials_problem=read.problem,
        strongest=list(strongest)[:MOST_STRONGEST],
        commands=show_commands(again),
    )


def _find_problem(findings: Findings, finding: Finding) -> str | None:
    """Return why a finding is not confirmed, or no longer."""
    if finding.kind == "not_confirmed":
        return f"Not confirmed: {capital(finding.reason)}"
    if findings.outdated:
        return "Outdated: the finding was computed from other commits than the run has now."
    return None


def read_comparison(run: Run, id: str) -> tuple[FixComparison | None, list[str]]:
    """Read the fixes of a finding; None if there are none, or with a notice if they cannot be read."""
    if id not in run.fixes:
        return None, []
    try:
        found, outdated = read_fix(run.path, id)
    except (BrokenRunError, InputError) as error:
        return None, [f"The fixes cannot be read: {error}."]
    old = "The fixes were made from other commits than the run has now; fix the finding again."
    return found, [old] if outdated else []


def make_fix_table(
    run: Run, search: str, finding: Finding | None, found: FixComparison | None, notices: list[str]
) -> FixTable:
    """Describe the fixes of a finding; `finding` is None if only its fixes are left."""
    notices = [*notices, *_compare_with_finding(run, search, finding, found, known=bool(notices))]
    stale = found is None or bool(notices) or not found.is_finished
    commands: Iterator[NextCommand] = iter(())
    if finding is not None and finding.kind == "not_confirmed":
        notices.append("Fixes are made from confirmed evidence only: confirm the finding first.")
    elif finding is not None and stale:
        commands = fix_finding(run, finding.id, search, found)
    if found is None:
        return FixTable(
            notices=notices, before="", turned=None, null=None, relevance=None, shares=None, recommended=None,
            finished=False, reason="", fixes=[], commands=show_commands(commands),
        )  # fmt: skip
    unfinished = [f"{one.text} is not finished: fix the finding again." for one in found.unfinished]
    return FixTable(
        notices=[*notices, *unfinished],
        before=describe_before(found),
        turned=found.turned,
        null=found.null,
        relevance=found.relevance,
        shares=found.shares,
        recommended=found.recommended,
        finished=found.is_finished,
        reason=found.reason,
        fixes=[_make_row(one, found) for one in found.fixes],
        commands=show_commands(commands),
    )


def _is_readable(run: Run, search: str) -> bool:
    """Return False for findings that exist and cannot be read, of which the ids are unknown."""
    try:
        return search not in run.finding_names or run.findings(search) is not None
    except (BrokenRunError, InputError):
        return False


def _compare_with_finding(
    run: Run, search: str, finding: Finding | None, found: FixComparison | None, *, known: bool
) -> Iterator[str]:
    """Yield notices that the fixes are of an earlier finding, unless notices state already that they are outdated."""
    if found is None:
        return
    if finding is None and not _is_readable(run, search):
        yield "The fixes cannot be compared with the finding, because the findings cannot be read."
    elif finding is None:
        yield "The run has no finding with this id any more: these fixes are of an earlier search."
    elif not known and not is_made_from(found, finding, hash_commits(run.path)):
        yield "The fixes were made from other samples than the finding has now; fix the finding again."


def _make_row(one: TriedFix, found: FixComparison) -> FixRow:
    others = [each for each in one.classes if each.label != found.label and get_change(each) != 0]
    others.sort(key=lambda each: -abs(get_change(each)))
    return FixRow(
        id=one.id,
        text=one.text,
        title=one.title,
        recommended=one.id == found.recommended,
        changes_weights=one.changes_weights,
        control=one.control,
        turned=one.turned,
        null=one.null,
        reduced=one.reduced,
        regained=one.regained,
        accuracy=one.accuracy,
        own_class=one.own_class,
        relevance=one.relevance,
        shares=one.shares,
        others=[
            CollateralChange(name=each.name, n_samples=each.n_samples, change=get_change(each))
            for each in others[:MOST_OTHERS]
        ],
        seconds=one.seconds,
        notes=list(one.notes),
        problem=one.problem,
    )
