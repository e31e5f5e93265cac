"""Effects of interventions, as typed records that are stored in the run."""

from whyset.store.effects.files import (
    Effects,
    EffectsWriter,
    Planned,
    TestedClass,
    find_plan,
    open_effects,
    open_writer,
)
from whyset.store.effects.records import (
    EFFECTS_SCHEMA,
    ClassEffects,
    EffectPlan,
    EffectSummary,
    Estimate,
    FreshTrials,
    InterventionEffects,
    SelectionTrials,
)

__all__ = [
    "EFFECTS_SCHEMA",
    "ClassEffects",
    "EffectPlan",
    "EffectSummary",
    "Effects",
    "EffectsWriter",
    "Estimate",
    "FreshTrials",
    "InterventionEffects",
    "Planned",
    "SelectionTrials",
    "TestedClass",
    "find_plan",
    "open_effects",
    "open_writer",
]
