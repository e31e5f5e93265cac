"""The table of effects, with one line for each class and intervention."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from whyset.store.effects.records import ClassEffects, EffectSummary, Estimate, InterventionEffects

_NUMBER, _COUNT, _TEXT = pa.float64(), pa.int64(), pa.string()
_ESTIMATES = ("turned", "null_turned", "difference", "log_odds", "removed", "null_removed")
GROUPS = ("candidate", "random")


def make_table(classes: Sequence[tuple[str, ClassEffects]]) -> pa.Table:
    """Make a table with a line for each class and intervention.

    The columns are `class`, `intervention`, `samples` (the explained ones), `tested` (those of the first stage), and
    for candidates and random samples, such as `candidate_turned`, each estimate of `EffectSummary` with the ends of its
    interval, `candidate_turned_low` and `candidate_turned_high`; `candidates` and `random` count the samples.
    """
    lines = [_make_line(name, effects, one) for name, effects in classes for one in effects.interventions]
    return pa.Table.from_pylist(lines, schema=_make_schema())


def _make_line(name: str, effects: ClassEffects, one: InterventionEffects) -> dict[str, Any]:
    line: dict[str, Any] = {
        "class": name,
        "intervention": one.text,
        "samples": effects.n_samples,
        "tested": len(one.unselected.rows),
        "candidates": len(one.candidates.rows),
        "random": len(one.random.rows),
    }
    return line | _spread("candidate", one.candidate_effect) | _spread("random", one.random_effect)


def _spread(group: str, summary: EffectSummary) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in _ESTIMATES:
        estimate: Estimate | None = getattr(summary, name)
        interval = (None, None) if estimate is None or estimate.interval is None else estimate.interval
        found[f"{group}_{name}"] = None if estimate is None else estimate.value
        found[f"{group}_{name}_low"], found[f"{group}_{name}_high"] = interval
    return found


def _make_schema() -> pa.Schema:
    counts = ("samples", "tested", "candidates", "random")
    numbers = (f"{group}_{name}{end}" for group in GROUPS for name in _ESTIMATES for end in ("", "_low", "_high"))
    return pa.schema(
        [("class", _TEXT), ("intervention", _TEXT), *((name, _COUNT) for name in counts)]
        + [(name, _NUMBER) for name in numbers]
    )
