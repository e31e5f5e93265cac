"""Corruption of finished runs: damage one file of a run, use the run in every way, and see what comes of it.

A program that reads a damaged run may give the right answer, refuse with an error, or say in its answer what is wrong.
It must not give another answer while `verify` finds nothing, fail with a traceback, or hang.
"""

from whyset.testing.corruption.checking import CheckedDamage, check, take_reference
from whyset.testing.corruption.damages import DAMAGES
from whyset.testing.corruption.example import make_finished_run
from whyset.testing.corruption.outcome import FORBIDDEN, OUTCOMES
from whyset.testing.corruption.plan import Corruption, file_type, plan_corruptions

__all__ = [
    "DAMAGES",
    "FORBIDDEN",
    "OUTCOMES",
    "CheckedDamage",
    "Corruption",
    "check",
    "file_type",
    "make_finished_run",
    "plan_corruptions",
    "take_reference",
]
