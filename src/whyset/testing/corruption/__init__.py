"""Corruption of finished runs: damage one file of a run, use the run in every way, and judge the answers.

A program that reads a damaged run may give the right answer, raise an error, or report the damage in its answer. It
must not give a different answer while `verify` finds no damage, fail with a traceback, or hang.
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
