"""Fixes that train: penalties on wrong reasons, transplants, and a new last layer."""

from collections.abc import Mapping
from types import MappingProxyType

from whyset.fixing.fix_method import FixMethod
from whyset.fixing.training.a_clarc import AClarc
from whyset.fixing.training.fine_tuning import FineTuning
from whyset.fixing.training.last_layer import LastLayer
from whyset.fixing.training.latent_right_reasons import LatentRightReasons
from whyset.fixing.training.right_reasons import RightReasons, RightRelevance
from whyset.fixing.training.sample_lists import SampleLists, list_samples
from whyset.fixing.training.specific_transplants import SpecificTransplants
from whyset.fixing.training.transplants import Transplants

TRAINED_FIXES: Mapping[str, type[FixMethod]] = MappingProxyType(
    {
        method.name: method
        for method in (
            Transplants,
            SpecificTransplants,
            LastLayer,
            RightReasons,
            RightRelevance,
            LatentRightReasons,
            AClarc,
        )
    }
)
"""The fixes that train, by name; `FineTuning` is what they are compared with."""

__all__ = [
    "TRAINED_FIXES",
    "AClarc",
    "FineTuning",
    "LastLayer",
    "LatentRightReasons",
    "RightReasons",
    "RightRelevance",
    "SampleLists",
    "SpecificTransplants",
    "Transplants",
    "list_samples",
]
