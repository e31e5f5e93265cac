"""Effects: what the evidence of samples does to the predictions of a model, measured for every class of a run.

`measure_effects` runs a test, `EffectTest` configures it. The record is in `whyset.store.effects`.

>>> EffectTest(n_hosts=8).n_candidate_hosts
16
"""

from whyset.effects.choice import choose_interventions
from whyset.effects.effect_test import EffectTest
from whyset.effects.intervals import estimate_difference, estimate_mean, estimate_share
from whyset.effects.measuring import measure_effects
from whyset.effects.summaries import ClusterEffect, summarize, summarize_clusters

__all__ = [
    "ClusterEffect",
    "EffectTest",
    "choose_interventions",
    "estimate_difference",
    "estimate_mean",
    "estimate_share",
    "measure_effects",
    "summarize",
    "summarize_clusters",
]
