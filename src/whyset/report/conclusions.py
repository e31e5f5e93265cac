"""Three sentences on a run: what the model looks at, what proves it, and what the fix did and at what cost."""

from collections.abc import Sequence

from whyset.report.findings import OUTDATED, ReportedFindings, capital
from whyset.report.fixes import ReportedFixes, format_share
from whyset.report.next_commands import write_fix
from whyset.store.effects import EffectSummary
from whyset.store.effects.records import Estimate
from whyset.store.findings import Finding
from whyset.store.findings.sentences import find_words, name_samples
from whyset.store.findings.sentences import format_share as round_share
from whyset.store.fixes import FixComparison, TriedFix

Sentences = tuple[str, ...]


def list_conclusions(run: str, findings: ReportedFindings, fixes: Sequence[ReportedFixes]) -> Sentences:
    """Return three sentences on the first suspicion of a run and its fixes, from their records, with intervals of 95 %.

    Parameters
    ----------
    run : str
        The path of the run.
    findings : ReportedFindings
        The findings, suspicions first.
    fixes : sequence of ReportedFixes
        The fixes of all findings.

    Returns
    -------
    tuple of str
        The sentences. If nothing is suspicious, they state what was searched and the finding with the largest score.
        Empty if no experiment was made.
    """
    suspicions = [one for one in findings.findings if one.kind == "suspicion"]
    if not suspicions:
        return _conclude_nothing(findings) if findings.n_searched else ()
    first = suspicions[0]
    assert first.effect is not None  # the store refuses suspicions without an effect
    reported = next((one for one in fixes if one.finding == first.id), None)
    return (
        f"{_describe_carriers(first, len(suspicions))}{_describe_age(findings)}",
        _describe_proof(first, first.effect),
        _describe_fix(write_fix(run, first.id, findings.name), first, reported),
    )


def _conclude_nothing(findings: ReportedFindings) -> Sentences:
    classes = (
        "the searched class" if findings.n_searched == 1 else f"any of the {findings.n_searched:,} searched classes"
    )
    first = next((one for one in findings.findings if one.effect is not None), None)
    if first is None or first.effect is None:
        samples = name_samples(findings.findings[0].modality) if findings.findings else "samples"
        strongest = f"No evidence of some {samples} was found that turns {samples} of other classes into its class."
    else:
        strongest = (
            f"The first by its score is {find_words(first).noun} of class {first.class_name}: "
            f"{_describe_effect(first, first.effect)}; it is not suspicious: {_continue(first.reason)}."
        )
    return (
        f"The search found nothing suspicious in {classes}.{_describe_age(findings)}",
        strongest,
        "There is nothing to fix; shortcuts that the search cannot find, such as one in most of a class, are possible.",
    )


def _describe_carriers(finding: Finding, n_suspicions: int) -> str:
    samples = name_samples(finding.modality)
    number = "" if n_suspicions == 1 else f" (the first of {n_suspicions} suspicions)"
    place = f" at the {finding.place}" if finding.place else ""
    share = format_share(finding.prevalence)
    return (
        f"In {len(finding.rows):,} of the {finding.n_samples:,} {samples} of class {finding.class_name}, {share}, the "
        f"model looks at {find_words(finding).noun}{place}{_describe_others(finding, samples)}{number}."
    )


def _describe_others(finding: Finding, samples: str) -> str:
    others = finding.others_share
    if others is None:
        return ""
    counted = f"{others.n_samples:,} {samples} of other classes have"
    if others.value == 0:
        most = "" if others.interval is None else f" (at most {round_share(others.interval[1])})"
        return f", which none of {counted}{most}"
    return f", which {round_share(others.value)} of {counted}"


def _describe_proof(finding: Finding, effect: EffectSummary) -> str:
    return capital(_describe_effect(finding, effect))


def _describe_effect(finding: Finding, effect: EffectSummary) -> str:
    words, samples = find_words(finding), name_samples(finding.modality)
    null = f"{finding.null_text} turns" if finding.null_text else "the null turns"
    return (
        f"{words.verb} fresh {samples} of other classes, {words.turns} {format_share(effect.turned)} of them into "
        f"{finding.class_name}; {null} {format_share(effect.null_turned)}"
    )


def _describe_age(findings: ReportedFindings) -> str:
    return f" {OUTDATED}" if OUTDATED in findings.notices else ""


def _describe_fix(again: str, finding: Finding, reported: ReportedFixes | None) -> str:
    if reported is None:
        return f"No fix was tried; {again} compares some."
    if reported.comparison is None:
        return "The fixes cannot be read."
    return " ".join((_describe_comparison(again, finding, reported.comparison), *reported.notices))


def _describe_comparison(again: str, finding: Finding, found: FixComparison) -> str:
    if not found.is_finished:
        return f"Not all fixes are finished; {again}, with the same options as before, continues."
    if found.recommended is not None:
        return _describe_recommended(found, found.get(), finding)
    made = sum(one.problem is None for one in found.fixes)
    if not made:
        return "No fix could be made: the model is as it was."
    which = "The fix that was made did not help" if made == 1 else f"None of {made} fixes helped"
    return f"{which} on held-out {name_samples(finding.modality)}: the model is as it was."


def _describe_recommended(found: FixComparison, fix: TriedFix, finding: Finding) -> str:
    samples, words = name_samples(finding.modality), find_words(finding)
    other = found.split.holdout
    judged = "without it" if other is None else f"of {other.name}"  # which may have it
    against = f", compared with equal training ({fix.control})" if fix.control else ""
    return (
        f"After the fix {fix.text!r}, {words.turns} {format_share(fix.turned)} of {found.split.n_hosts:,} held-out "
        f"{samples} of other classes instead of {format_share(found.turned)}; on {samples} {judged}, accuracy "
        f"changes by {_format_points(fix.accuracy)}, and that of class {finding.class_name} by "
        f"{_format_points(fix.own_class)}{against}. {found.reason}"
    )


def _format_points(change: Estimate | None) -> str:
    return "an unknown number of points" if change is None else f"{format_share(change, points=True)} points"


def _continue(reason: str) -> str:
    """Return a sentence as the continuation of another."""
    return f"{reason[:1].lower()}{reason[1:]}".rstrip(".")
