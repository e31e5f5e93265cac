"""The findings of a run in the report: their order, their numbers as text, and what to do if there are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from whyset.command import command
from whyset.errors import BrokenRunError, InputError
from whyset.report.budget import list_limits
from whyset.report.numbers import number, with_interval
from whyset.report.timeline import list_history
from whyset.store import Run
from whyset.store.effects.records import Estimate
from whyset.store.findings import Finding, Findings, Kind

KINDS: Mapping[Kind, str] = MappingProxyType(
    {"suspicion": "suspicion", "strategy": "strategy", "not_confirmed": "not confirmed"}
)
"""The names of the kinds of findings, in the order of the report."""


OUTDATED = "The findings were computed from other commits than the run has now; search again."
MOST_FINDINGS = 50
"""Findings that texts and pages show; JSON has all."""


@dataclass(frozen=True)
class ReportedFindings:
    """The findings of a run: suspicions, then strategies, then those that were not confirmed, each in rank order.

    `notices` are sentences about the search: that there was none, that it is outdated, or what it left out.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    n_searched: int = 0
    not_searched: Mapping[str, str] | None = None
    notices: tuple[str, ...] = ()


def read_findings(run: Run, name: str | None = None) -> ReportedFindings:
    """Read the findings of a run for the report.

    Damaged ones become a notice, so that the rest of the report can be read.

    Parameters
    ----------
    run : Run
        The run.
    name : str, optional
        The name of the search, by default the only one of the run, or "findings".

    Raises
    ------
    InputError
        The run has no search of this name.
    """
    known = run.finding_names
    chosen = name or (known[0] if len(known) == 1 else "findings")
    if name is None and chosen not in known:
        others = f" The run has the searches {', '.join(known)}." if known else ""
        advice = f"No findings: none were searched for. {command('find', run.path)} searches for them."
        return ReportedFindings(chosen, notices=(f"{advice}{others}",))
    if chosen not in known:
        run.findings(chosen)  # raises InputError, which names those that there are
    try:
        stored = run.findings(chosen)
    except (BrokenRunError, InputError) as error:  # damaged, or written by a newer whyset
        return ReportedFindings(chosen, notices=(f"The findings cannot be read: {error}.",))
    notices = (*list_notices(stored), *list_history(run, chosen))
    return ReportedFindings(chosen, sort_findings(stored), stored.n_searched, dict(stored.not_searched), notices)


def sort_findings(findings: Findings) -> tuple[Finding, ...]:
    """Return suspicions first, then strategies, then findings that were not confirmed, each in rank order."""
    order = list(KINDS)
    return tuple(sorted(findings, key=lambda one: order.index(one.kind)))


def list_notices(findings: Findings) -> list[str]:
    """List what is to be known about a search, as sentences."""
    found = []
    if findings.problem:
        found.append(f"Nothing could be confirmed: {findings.problem.rstrip('.')}.")
    if findings.outdated:
        found.append(OUTDATED)
    if not findings.findings:
        searched = "1 class was" if findings.n_searched == 1 else f"{findings.n_searched:,} classes were"
        found.append(f"No findings: {searched} searched.")
    reasons: dict[str, int] = {}
    for reason in findings.not_searched.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in reasons.items():
        found.append(f"{count:,} {'class was' if count == 1 else 'classes were'} not searched: {reason.rstrip('.')}.")
    return [*found, *list_limits(findings)]


def describe_numbers(finding: Finding) -> list[tuple[str, str]]:
    """Return label and text of each known number of a finding."""
    lines = [("evidence", finding.text)] if finding.text else []
    if finding.effect is not None:
        lines.append(("turned fresh hosts", _estimate(finding.effect.turned)))
        null = f" ({finding.null_text})" if finding.null_text else ""
        lines.append(("turned by the null", f"{_estimate(finding.effect.null_turned)}{null}"))
        lines.append(("difference", _estimate(finding.effect.difference)))
    if finding.effect is not None and finding.effect.removed is not None:
        lines.append(("no longer predicted without it", _estimate(finding.effect.removed)))
    if finding.specificity is not None:
        lines.append(("specificity", _estimate(finding.specificity)))
    if finding.others_share is not None:
        lines.append(("share of other classes", _estimate(finding.others_share, 3)))
    lines.append(("share of the class", _estimate(finding.prevalence)))
    if finding.score is not None:
        lines.append(("score", number(finding.score)))
    return lines


def _estimate(estimate: Estimate, digits: int = 2) -> str:
    if digits == 2:
        return with_interval(estimate.value, estimate.interval)
    written = number(estimate.value, digits)
    if estimate.interval is None:
        return written
    low, high = estimate.interval
    return f"{written} [{number(low, digits)}, {number(high, digits)}]"


def finding_lines(reported: ReportedFindings) -> list[tuple[str, list[str]]]:
    """Return for each of the first findings its sentence with its rank and kind, and its further lines."""
    return [
        (f"{rank}. {KINDS[one.kind]}: {capital(one.sentence)}", _further_lines(one))
        for rank, one in enumerate(reported.findings[:MOST_FINDINGS], 1)
    ]


def finding_notices(reported: ReportedFindings) -> list[str]:
    """Return the notices, and how many findings are left out of texts and pages."""
    left = len(reported.findings) - MOST_FINDINGS
    more = [f"{left:,} further findings are not shown; --format json lists all."] if left > 0 else []
    return [*reported.notices, *more]


def _further_lines(finding: Finding) -> list[str]:
    numbers = "; ".join(f"{label} {text}" for label, text in describe_numbers(finding))
    reason = get_unstated_reason(finding)
    return [f"{numbers}; id {finding.id}.", *([reason] if reason else [])]


def get_unstated_reason(finding: Finding) -> str:
    """Return the reason of a suspicion; the sentences of other findings state theirs."""
    return finding.reason if finding.kind == "suspicion" else ""


def capital(sentence: str) -> str:
    """Begin a sentence with a capital and end it with a period."""
    text = sentence.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
