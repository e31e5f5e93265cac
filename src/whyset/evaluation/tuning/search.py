"""A coordinate search over the values of parameters: one is changed at a time, and the best value is kept."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from whyset.errors import InputError
from whyset.evaluation.tuning.space import Configuration, Value

Measure = Callable[[Configuration], float | None]
"""Returns the score of a configuration, the larger the better; None if it cannot be measured."""


def search(
    start: Configuration, axes: Mapping[str, tuple[Value, ...]], measure: Measure, budget: int
) -> dict[Configuration, float | None]:
    """Return the scores of the configurations that were measured, in order.

    Each parameter in turn takes all its values while the others stay as they are, and keeps the best. This is repeated
    from the first parameter on until a whole round finds nothing better, or `budget` configurations have been measured.
    The combinations are thousands, and most are not measured: parameters that help only together are not found.

    Parameters
    ----------
    start : Configuration
        Where to begin, such as the best preset.
    axes : mapping of str to tuple
        The values of each parameter.
    measure : callable
        Measures a configuration.
    budget : int
        The largest number of configurations.
    """
    scores: dict[Configuration, float | None] = {start: measure(start)}
    best = start
    while True:
        before = best
        for name, values in axes.items():
            for value in values:
                one = _change(best, name, value)
                if one is None or one in scores:
                    continue
                if len(scores) >= budget:
                    return scores
                scores[one] = measure(one)
            best = max((one for one in scores), key=lambda one: _rank(scores[one]))
        if best == before:
            return scores


def _change(configuration: Configuration, name: str, value: Value) -> Configuration | None:
    """Return a configuration with another value, or None if that is not possible or makes no difference."""
    if name == "epsilon" and not configuration.has_epsilon:
        return None
    changed: Any = {name: value}
    try:
        return replace(configuration, **changed)
    except InputError:
        return None


def _rank(score: float | None) -> float:
    return float("-inf") if score is None else score
