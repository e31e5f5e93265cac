"""The stored form of effects: JSON, validated when it is read."""

from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from whyset.errors import BrokenRunError
from whyset.store.effects.records import ClassEffects, EffectPlan, FreshTrials, SelectionTrials
from whyset.store.jsonfile import JSON, require_json
from whyset.store.sealed_json import require_mapping, validate_record


def to_json(record: ClassEffects | EffectPlan, where: str = "effects") -> dict[str, JSON]:
    """Convert a record to JSON; InputError if a value is NaN, infinite or a NumPy number; `where` names it.

    >>> to_json(ClassEffects(n_samples=9))["n_samples"]
    9
    """
    stored: dict[str, Any] = asdict(record)
    require_json(stored, where)
    return stored


def class_effects_from_json(stored: object, n_rows: int | None = None) -> ClassEffects:
    """Read the effects in a class; BrokenRunError if a field is missing, has another type, or contradicts others.

    >>> class_effects_from_json(to_json(ClassEffects(n_samples=9))).n_samples
    9
    """
    found: ClassEffects = validate_record(ClassEffects, require_mapping(stored, "effects"), "effects")
    for trials in _list_trials(found):
        _require_consistent(trials, n_rows)
    return found


def plan_from_json(stored: object) -> EffectPlan:
    """Read a plan; BrokenRunError if it is damaged."""
    plan: EffectPlan = validate_record(EffectPlan, require_mapping(stored, "effects"), "effects")
    return plan


def _list_trials(effects: ClassEffects) -> Iterator[SelectionTrials]:
    for one in effects.interventions:
        yield from (one.screening, one.selection, one.candidates, one.random)


def _require_consistent(trials: SelectionTrials, n_rows: int | None) -> None:
    """Raise BrokenRunError for columns of other lengths, more turned hosts than hosts, or rows outside of the run."""
    columns = {column.name: getattr(trials, column.name) for column in fields(trials)}
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        raise BrokenRunError(f"effects are damaged: expected columns of one length, got {lengths}")
    wrong = next((row for row in trials.rows if row < 0 or (n_rows is not None and row >= n_rows)), None)
    if wrong is not None:
        most = "" if n_rows is None else f" to {n_rows - 1}"
        raise BrokenRunError(f"effects are damaged: expected rows from 0{most}, got {wrong}")
    turned = [trials.turned, trials.null_turned] if isinstance(trials, FreshTrials) else [trials.turned]
    for column in turned:
        if any(not 0 <= count <= hosts for count, hosts in zip(column, trials.hosts, strict=True)):
            raise BrokenRunError("effects are damaged: expected counts from 0 to the number of hosts")
