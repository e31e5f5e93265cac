"""The stored form of findings: JSON, validated when it is read."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.effects.records import Estimate
from whyset.store.findings.records import Finding, FoundExample
from whyset.store.jsonfile import JSON, require_json
from whyset.store.sealed_json import validate_record


@dataclass(frozen=True)
class RunLimits:
    """What the numbers of a finding must fit; None where unknown.

    `n_rows` is the number of rows of the run, `positions` the length of each position axis of its inputs, and
    `n_examples` the number of stored examples.
    """

    n_rows: int | None = None
    positions: tuple[int, ...] | None = None
    n_examples: int | None = None


def to_json(finding: Finding) -> dict[str, JSON]:
    """Convert a finding to JSON; InputError if a value is NaN, infinite or a NumPy number."""
    stored: dict[str, Any] = asdict(finding)
    require_json(stored, f"a finding of class {finding.class_name!r}")
    return stored


def findings_from_json(stored: object, limits: RunLimits | None = None) -> tuple[Finding, ...]:
    """Read findings; BrokenRunError if a field is missing, has another type, or contradicts others."""
    if not isinstance(stored, list):
        raise BrokenRunError(f"findings are damaged: expected a list, got {type(stored).__name__}")
    found: tuple[Finding, ...] = validate_record(tuple[Finding, ...], stored, "findings")
    for number, finding in enumerate(found):
        contradiction = find_contradiction(finding, limits or RunLimits())
        if contradiction:
            raise BrokenRunError(f"findings are damaged: finding {number}: {contradiction}")
    return found


def require_consistent(findings: Sequence[Finding], limits: RunLimits) -> None:
    """Raise InputError for findings that contradict themselves or the run, before they are written."""
    for number, finding in enumerate(findings):
        contradiction = find_contradiction(finding, limits)
        if contradiction:
            raise InputError(f"finding {number} of class {finding.class_name!r}: {contradiction}")


def find_contradiction(finding: Finding, limits: RunLimits) -> str | None:
    """Return what is wrong with the numbers of a finding, or None."""
    return next(_list_contradictions(finding, limits), None)


def _list_contradictions(finding: Finding, limits: RunLimits) -> Iterator[str]:
    rows = [*finding.seeds, *finding.rows, *(row for one in finding.examples for row in (one.row, one.host_row))]
    wrong = next((row for row in rows if row < 0 or (limits.n_rows is not None and row >= limits.n_rows)), None)
    if wrong is not None:
        most = "" if limits.n_rows is None else f" to {limits.n_rows - 1}"
        yield f"expected rows from 0{most}, got {wrong}"
    for name, values in (("seeds", finding.seeds), ("rows", finding.rows)):
        if len(set(values)) < len(values):
            yield f"expected each row of {name} once"
    if len(finding.scores) != len(finding.rows):
        yield f"expected one score for each of {len(finding.rows)} rows, got {len(finding.scores)}"
    if len(finding.rows) > finding.n_samples:
        yield f"expected at most {finding.n_samples} rows, the samples of the class, got {len(finding.rows)}"
    if finding.kind != "not_confirmed" and (finding.intervention is None or finding.effect is None):
        yield f"expected an intervention and its effect for a {finding.kind}"
    for name, share in _list_shares(finding):
        low, high = share.interval or (share.value, share.value)
        if not (0 <= share.value <= 1 and 0 <= low <= high <= 1):
            yield f"expected a share from 0 to 1 and its interval for {name}, got {share.value} {share.interval}"
    for number, example in enumerate(finding.examples):
        yield from (f"example {number}: {one}" for one in _list_example_contradictions(example, limits))


def _list_shares(finding: Finding) -> Iterator[tuple[str, Estimate]]:
    yield "prevalence", finding.prevalence
    if finding.others_share is not None:
        yield "others_share", finding.others_share
    if finding.effect is not None:
        yield "turned", finding.effect.turned
        yield "null_turned", finding.effect.null_turned


def _list_example_contradictions(example: FoundExample, limits: RunLimits) -> Iterator[str]:
    n_examples = limits.n_examples
    if example.index < -1 or (n_examples is not None and example.index >= n_examples):
        yield f"expected an index from -1 to {'' if n_examples is None else n_examples - 1}, got {example.index}"
    if min(example.before, example.after) < 0:
        yield f"expected numbers of outputs, got {example.before} and {example.after}"
    for probability in (example.probability_before, example.probability_after):
        if not 0 <= probability <= 1:
            yield f"expected probabilities from 0 to 1, got {probability}"
    yield from _list_region_contradictions(example.region, limits.positions)


def _list_region_contradictions(
    region: tuple[tuple[int, int], ...] | None, positions: tuple[int, ...] | None
) -> Iterator[str]:
    if region is None:
        return
    if any(not 0 <= first < end for first, end in region):
        yield f"expected the first position and the one after the last, got {region}"
    if positions is None:
        return
    if len(region) != len(positions):
        yield f"expected a region with {len(positions)} axes, got {len(region)}"
    elif any(end > side for (_, end), side in zip(region, positions, strict=True)):
        yield f"expected a region within {positions}, got {region}"
