"""The stored form of evidence: JSON with a schema version, validated when it is read, and so are its numbers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.evidence.earlier import convert_info
from whyset.store.evidence.records import EVIDENCE_SCHEMA, ClassEvidence
from whyset.store.jsonfile import JSON, require_json

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def to_json(evidence: ClassEvidence, where: str = "evidence") -> dict[str, JSON]:
    """Convert evidence to JSON; InputError if a value is NaN, infinite or a NumPy number; `where` names it.

    >>> to_json(ClassEvidence(n_explanations=9))["n_explanations"]
    9
    """
    stored: dict[str, Any] = {"schema": EVIDENCE_SCHEMA, **asdict(evidence)}
    require_json(stored, where)
    return stored


def from_json(stored: object) -> ClassEvidence:
    """Read evidence; BrokenRunError if a field is missing or has another type, InputError for a newer major version.

    >>> from_json(to_json(ClassEvidence(n_explanations=9))).n_explanations
    9
    """
    if not isinstance(stored, Mapping):
        raise BrokenRunError(f"evidence is damaged: expected a JSON object, got {type(stored).__name__}")
    major = str(stored.get("schema")).partition(".")[0]
    if major != EVIDENCE_SCHEMA.partition(".")[0]:
        raise InputError(
            f"the evidence has the schema {stored.get('schema')}; this whyset reads {EVIDENCE_SCHEMA}: update whyset"
        )
    return _check({name: value for name, value in stored.items() if name != "schema"})


def from_info(info: object) -> ClassEvidence:
    """Read the `info` of a category that was written before evidence had a schema."""
    try:
        return _check(convert_info(info))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BrokenRunError(f"'info' is damaged: {type(error).__name__}: {error}") from error


def _check(fields: Mapping[str, Any]) -> ClassEvidence:
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(json.dumps(fields), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise BrokenRunError(f"evidence is damaged: {where}: {first['msg']}, got {first['input']!r:.80}") from error


@cache
def _adapter() -> "TypeAdapter[ClassEvidence]":
    """Return pydantic's adapter; pydantic is imported late, because a run without analyses does not need it."""
    from pydantic import TypeAdapter

    return TypeAdapter(ClassEvidence)


def find_stranger(evidence: ClassEvidence, n_rows: int) -> str | None:
    """Find a number in the evidence that is out of range; None if all are valid.

    A negative number would index another row.
    """
    wrong = next((row for row in _rows(evidence) if not 0 <= row < n_rows), None)
    if wrong is not None:
        return f"its evidence names the explanation {wrong}: expected 0 to {n_rows - 1}"
    for name, clustering in evidence.clusterings.items():
        for place, cluster in enumerate(clustering.clusters):
            if cluster.id != place:
                return f"cluster {cluster.id} of {name} is at the position of cluster {place}"
    return None


def _rows(evidence: ClassEvidence) -> Iterator[int]:
    for clustering in evidence.clusterings.values():
        for cluster in clustering.clusters:
            yield from cluster.medoids
    for small in () if evidence.small_clusters is None else evidence.small_clusters.clusters:
        yield from small.rows
    if evidence.prototypes is not None:
        yield from evidence.prototypes.explanations
        yield from evidence.prototypes.outliers
