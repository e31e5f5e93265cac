"""Sentences on the limits that a budget sets to a test of effects, and to the search that begins with it."""

from collections import defaultdict
from collections.abc import Iterator

from whyset.errors import BrokenRunError, InputError
from whyset.store.effects import EffectPlan, Effects, open_effects
from whyset.store.effects.files import list_effects
from whyset.store.findings import Findings


def list_limits(findings: Findings) -> list[str]:
    """List the interventions and samples that a search left out; empty if its test of effects is no longer stored."""
    if findings.effects_name not in list_effects(findings.run):
        return []
    try:
        effects = open_effects(findings.run, findings.effects_name)
    except (BrokenRunError, InputError) as error:  # damaged, or written by a newer whyset
        return [f"What the search left out cannot be read: {error}."]
    return list(describe_limits(effects)) if findings.config.get("test") == effects.config else []


def describe_limits(effects: Effects) -> Iterator[str]:
    """Yield the interventions and samples that a test of effects left out, with the reasons."""
    if effects.plan is not None and effects.plan.is_reduced:
        yield _describe_plan(effects.plan)
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, reason in effects.not_tested.items():
        reasons[reason].append(name)
    for reason, names in reasons.items():
        yield f"Not tested: {'; '.join(names)}. Reason: {reason.rstrip('.')}."


def _describe_plan(plan: EffectPlan) -> str:
    """Describe a reduced plan.

    >>> plan = EffectPlan(100, 0.1, 0.01, 9, None, 20, 5, 5, 900, budget=3.0, planned=2.9, complete=25.3)
    >>> _describe_plan(plan)
    'The budget of 3 times the time of explain allowed 5 candidates of each class and intervention, selected from 20 \
samples after a screening of all; a budget of 25 would allow everything.'
    """
    selected = ""
    if plan.n_selection is not None:
        screened = "all" if plan.n_tested is None else f"{plan.n_tested:,}"
        selected = f", selected from {plan.n_selection:,} samples after a screening of {screened}"
    return (
        f"The budget of {plan.budget:g} times the time of explain allowed {plan.n_candidates:,} candidates of each "
        f"class and intervention{selected}; a budget of {plan.complete:.2g} would allow everything."
    )
