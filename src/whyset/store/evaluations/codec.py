"""The stored form of evaluations: JSON, validated when it is read."""

from dataclasses import asdict
from typing import Any

from whyset.errors import BrokenRunError
from whyset.store.evaluations.records import EvaluatedSamples, MetricValues
from whyset.store.jsonfile import JSON, require_json
from whyset.store.sealed_json import require_mapping, validate_record

_WHAT = "evaluations"


def to_json(record: MetricValues | EvaluatedSamples, where: str = "an evaluation") -> dict[str, JSON]:
    """Convert a record to JSON; InputError if a value is NaN, infinite or a NumPy number; `where` names it.

    >>> to_json(EvaluatedSamples((3, 5)))
    {'rows': (3, 5), 'seed': 0, 'inputs': None, 'masks': None}
    """
    stored: dict[str, Any] = asdict(record)
    require_json(stored, where)
    return stored


def samples_from_json(stored: object, n_rows: int | None = None) -> EvaluatedSamples:
    """Read the samples of an evaluation; BrokenRunError if they are damaged, or not rows of the run."""
    found: EvaluatedSamples = validate_record(EvaluatedSamples, require_mapping(stored, _WHAT), _WHAT)
    if list(found.rows) != sorted(set(found.rows)):
        raise BrokenRunError(f"{_WHAT} are damaged: expected rows in ascending order, each once")
    wrong = next((row for row in found.rows if row < 0 or (n_rows is not None and row >= n_rows)), None)
    if wrong is not None:
        most = "" if n_rows is None else f" to {n_rows - 1}"
        raise BrokenRunError(f"{_WHAT} are damaged: expected rows from 0{most}, got {wrong}")
    return found


def values_from_json(stored: object, n_samples: int) -> MetricValues:
    """Read a metric of `n_samples`; BrokenRunError if a field is missing, has another type, or contradicts others."""
    found: MetricValues = validate_record(MetricValues, require_mapping(stored, _WHAT), _WHAT)
    contradiction = _find_contradiction(found, n_samples)
    if contradiction:
        raise BrokenRunError(f"{_WHAT} are damaged: {contradiction}")
    return found


def _find_contradiction(found: MetricValues, n_samples: int) -> str | None:
    if found.problem is not None:
        return None if not found.values and not found.curves else "expected no values of a metric that has a problem"
    if len(found.values) != n_samples:
        return f"expected a value for each of {n_samples} samples, got {len(found.values)}"
    if (found.curves is None) != (found.fractions is None):
        return "expected curves together with their positions"
    if found.curves is not None and found.fractions is not None:
        if len(found.curves) != n_samples:
            return f"expected a curve for each of {n_samples} samples, got {len(found.curves)}"
        lengths = {len(curve) for curve in found.curves if curve is not None} - {len(found.fractions)}
        if lengths:
            return f"expected curves of {len(found.fractions)} steps, got {lengths}"
    defined = n_samples - found.n_undefined
    if (0 if found.mean is None else found.mean.n_samples) != defined:
        return f"expected the mean of {defined} defined values"
    return None
