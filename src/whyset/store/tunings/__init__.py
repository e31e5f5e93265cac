"""Tuned methods: the record of a choice of rules for a network, as a file that is shared and used."""

from whyset.store.tunings.files import read_tuning, write_tuning
from whyset.store.tunings.journal import TuningJournal, open_journal
from whyset.store.tunings.records import (
    TUNING_SCHEMA,
    HeldOutMetric,
    TunedOn,
    Tuning,
    TuningCandidate,
)

__all__ = [
    "TUNING_SCHEMA",
    "HeldOutMetric",
    "TunedOn",
    "Tuning",
    "TuningCandidate",
    "TuningJournal",
    "open_journal",
    "read_tuning",
    "write_tuning",
]
