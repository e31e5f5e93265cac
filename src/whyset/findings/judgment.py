"""The judgment of a proposal that was measured again: its score, whether it is suspicious, and why."""

from dataclasses import dataclass

from whyset.findings.concept import Concept
from whyset.findings.proposals import Proposal
from whyset.store.effects import EffectSummary
from whyset.store.findings.records import Kind
from whyset.store.findings.sentences import format_share

SUSPICIOUS = 0.2
"""The least score of a suspicion. It is calibrated on the design half of benchmarks/cues, see docs/findings.md."""
_MOST = 0.5
"""Evidence in more samples of a class than this share is part of what the class is."""
_SUSPICION = "Few samples of other classes have it, and the rest of the class does not."


@dataclass(frozen=True)
class Judgment:
    """The kind of a finding with its reason, and the score by which findings are ranked."""

    kind: Kind
    reason: str
    score: float


def judge(proposal: Proposal, effect: EffectSummary) -> Judgment:
    """Judge a proposal: `score = difference · exclusiveness · independence`.

    The difference is that between the effect on fresh hosts and the effect of the null, at least 0.
    """
    score = max(0.0, effect.difference.value) * proposal.concept.exclusiveness * proposal.concept.independence
    objection = _find_objection(proposal.concept, effect, score)
    return Judgment("suspicion", _SUSPICION, score) if objection is None else Judgment("strategy", objection, score)


def _find_objection(concept: Concept, effect: EffectSummary, score: float) -> str | None:
    """Return why evidence is not suspicious, or None if it is; of a small score, the smallest factor is the reason."""
    interval = effect.difference.interval
    prevalence, others = float(concept.carriers.mean()), float(concept.other_carriers.mean())
    if interval is None or interval[0] <= 0:
        return "Its effect on fresh hosts may be that of the null."
    if prevalence > _MOST:
        return f"Most samples of the class have it ({format_share(prevalence)})."
    if score >= SUSPICIOUS:
        return None
    smallest = min(concept.independence, concept.exclusiveness, effect.difference.value)
    if concept.independence == smallest:
        return "The rest of the class has it in lesser degrees, as it has parts of the object."
    if concept.exclusiveness > smallest:
        return "Its effect is small."
    if others > 0:
        return f"It is not specific: {format_share(others)} of other classes' samples have it."
    return f"None of {len(concept.others):,} samples of other classes have it, which are too few to call it specific."
