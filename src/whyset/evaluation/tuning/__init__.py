"""Tuning: which rules or method fit a network, chosen on some samples and compared with presets on others.

`SPACE` is the table of the parameters of rules that are searched, `PRESETS` that of the methods without rules.
"""

from whyset.evaluation.tuning.presets import PRESETS
from whyset.evaluation.tuning.space import SPACE, STARTS, Configuration, make_composite
from whyset.evaluation.tuning.tune import tune

__all__ = ["PRESETS", "SPACE", "STARTS", "Configuration", "make_composite", "tune"]
