"""Fixes of a model that uses what it should not: concept vectors, fixes without and with training.

>>> from whyset.fixing import as_fix_method
>>> as_fix_method("reactive_p_clarc").title
'reactive P-ClArC'
"""

from whyset.fixing.concept_fit import FittedVector, fit_concept_vector
from whyset.fixing.concept_methods import CONCEPT_METHODS, ConceptMethod, LogisticCav, PatternCav, RidgeCav, SvmCav
from whyset.fixing.concept_vectors import find_concept_vector
from whyset.fixing.fix import DEFAULT_METHODS, fix
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_methods import FIX_METHODS, as_fix_method, parse_fix_method
from whyset.fixing.fix_task import FixTask
from whyset.fixing.fixed_model import FixedModel, load_fix
from whyset.fixing.from_run import DividedTask, open_fix_task
from whyset.fixing.held_out import (
    Goal,
    HeldOutChange,
    HeldOutPredictions,
    HeldOutTrial,
    Recommendation,
    compare_held_out,
    draw_held_out,
    predict_held_out,
    recommend,
)
from whyset.fixing.p_clarc import PClarc, ReactivePClarc
from whyset.fixing.restore import Restore
from whyset.fixing.stored_fix import explain_fixed, load_fixed
from whyset.fixing.suppress_channels import SuppressChannels
from whyset.fixing.tcav import measure_gradients, measure_tcav
from whyset.fixing.training import (
    TRAINED_FIXES,
    AClarc,
    FineTuning,
    LastLayer,
    LatentRightReasons,
    RightReasons,
    RightRelevance,
    SampleLists,
    SpecificTransplants,
    Transplants,
    list_samples,
)

__all__ = [
    "CONCEPT_METHODS",
    "DEFAULT_METHODS",
    "FIX_METHODS",
    "TRAINED_FIXES",
    "AClarc",
    "ConceptMethod",
    "DividedTask",
    "FineTuning",
    "FittedVector",
    "FixMethod",
    "FixTask",
    "FixedModel",
    "Goal",
    "HeldOutChange",
    "HeldOutPredictions",
    "HeldOutTrial",
    "LastLayer",
    "LatentRightReasons",
    "LogisticCav",
    "PClarc",
    "PatternCav",
    "ReactivePClarc",
    "Recommendation",
    "Restore",
    "RidgeCav",
    "RightReasons",
    "RightRelevance",
    "SampleLists",
    "SpecificTransplants",
    "SuppressChannels",
    "SvmCav",
    "Transplants",
    "as_fix_method",
    "compare_held_out",
    "draw_held_out",
    "explain_fixed",
    "find_concept_vector",
    "fit_concept_vector",
    "fix",
    "list_samples",
    "load_fix",
    "load_fixed",
    "measure_gradients",
    "measure_tcav",
    "open_fix_task",
    "parse_fix_method",
    "predict_held_out",
    "recommend",
]
