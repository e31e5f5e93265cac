"""Checks of a run: suspicious findings about its explanations, as typed values and in `checks.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from whyset.errors import BrokenRunError, InputError
from whyset.store.jsonfile import JSON, json_checksum, read_json, replace_json, seal_json
from whyset.store.layout import CHECKS, RUN
from whyset.store.remote import AnyPath

Severity = Literal["warning", "note"]

CHECKS_SCHEMA = "1.1"
MOST_TIMES = 100.0
"""Relevance larger than this multiple of the explained output is suspicious."""
LEAST_SHARE = 0.01
"""A smaller share of the explained output that arrives at the input is suspicious."""
CHECKS_MISSING = f"{CHECKS} is missing, so the stored checks are unknown; run the same `explain` again to restore them"
NOT_FINITE = "is not finite"
"""Part of the recorded error of an explanation with NaN or infinite values."""


@dataclass(frozen=True)
class Check:
    """One finding about a run: it concerns `count` of `total` samples or explanations.

    A "warning" means that numbers of the run are likely to be wrong or misread; a "note" explains how to read them.

    >>> Check("labels", "warning", 3, 40, "3 of 40 labels differ").severity
    'warning'
    """

    name: str
    severity: Severity
    count: int
    total: int
    message: str

    def __post_init__(self) -> None:
        if self.severity not in get_args(Severity):
            raise InputError(f"severity is {self.severity!r}: expected {' or '.join(map(repr, get_args(Severity)))}")
        counts = (self.count, self.total)
        if not all(isinstance(number, int) and number >= 0 for number in counts) or self.count > self.total:
            raise InputError(f"check {self.name!r} counts {self.count} of {self.total}: expected 0 <= count <= total")
        if not isinstance(self.name, str) or not isinstance(self.message, str):
            raise InputError(f"name and message of a check must be texts, got {self.name!r} and {self.message!r}")


@dataclass(frozen=True, eq=False)
class BeyondLimits:
    """Values of explanations with suspicious relevance, as multiples of the explained output: too large, or lost."""

    too_large: npt.NDArray[Any]
    lost: npt.NDArray[Any]


def find_beyond_limits(arrived: npt.NDArray[Any], largest: npt.NDArray[Any]) -> BeyondLimits:
    """Find values above `MOST_TIMES` or below `LEAST_SHARE`; unknown shares, as of gradients, are skipped.

    Relevance of an output that is exactly 0 has no share that arrives, and is infinitely many times the output.
    """
    known = ~np.isnan(arrived) | np.isinf(largest)
    times = np.fmax(np.abs(arrived), largest)[known]
    return BeyondLimits(times[times > MOST_TIMES], arrived[arrived < LEAST_SHARE])


def check_relevance(
    arrived: npt.NDArray[Any], largest: npt.NDArray[Any], errors: Iterable[str] = ()
) -> tuple[Check, ...]:
    """Check the columns `relevance_arrived` and `relevance_max` of the explanations that are done.

    `errors` are those of the explanations that failed. If no share is known, as for gradients, whose sum and size have
    no relation to the output, only failures are checked.
    """
    failed = [error for error in errors if NOT_FINITE in error]
    total = len(arrived) + len(failed)
    beyond = find_beyond_limits(arrived, largest)
    large, lost = beyond.too_large, beyond.lost
    found = []
    if failed:
        found.append(("relevance_not_finite", len(failed), f"are not finite and were not stored: {failed[0]}"))
    if large.size:
        zero = np.isinf(large)
        finite = f", up to {large[~zero].max():.3g} times" if not zero.all() else ""
        zeros = f" ({zero.sum():,} with an output of exactly 0)" if zero.any() else ""
        what = f"hold more than {MOST_TIMES:.0f} times the explained output{finite}{zeros}"
        found.append(
            (
                "relevance_too_large",
                large.size,
                f"{what}: a rule divides by values near zero, or that output is near zero",
            )
        )
    if lost.size:
        what = f"have less than {LEAST_SHARE:.0%} of the explained output arrive at the input, down to {lost.min():.3g}"
        found.append(("relevance_lost", lost.size, f"{what}: see the losses by cause"))
    return tuple(
        Check(name, "warning", int(count), total, f"{count:,} of {total:,} explanations {message}")
        for name, count, message in found
    )


def write_checks(run: AnyPath, checks: Sequence[Check]) -> None:
    """Write `checks.json` atomically; it replaces an earlier one."""
    found = [asdict(check) for check in checks]
    content: dict[str, JSON] = {"schema": CHECKS_SCHEMA, "run": _identify_run(run), "checks": found}
    replace_json(run / CHECKS, seal_json(content))


def read_checks(run: AnyPath) -> tuple[Check, ...]:
    """Read the checks in `checks.json`; none if the file does not exist.

    Raises BrokenRunError if the file is damaged, was edited, belongs to another run, or has another major version.
    """
    file = run / CHECKS
    if not file.exists():
        return ()
    stored = read_json(file)
    major = str(stored.get("schema")).partition(".")[0]
    if major != CHECKS_SCHEMA.partition(".")[0]:
        raise BrokenRunError(f"{file} has the schema {stored.get('schema')!r}: expected {CHECKS_SCHEMA}; update whyset")
    if stored.get("checksum") != json_checksum(stored):
        raise BrokenRunError(f"{file} is damaged or was edited: its checksum does not match; run `explain` again")
    if "run" in stored and stored["run"] != _identify_run(run):  # before 1.1 it does not say whose it is
        raise BrokenRunError(f"{file} belongs to another run: it was not written for this {RUN}; run `explain` again")
    entries: Any = stored.get("checks")
    try:
        return tuple(_from_json(entry) for entry in entries)
    except (KeyError, TypeError, InputError) as error:
        raise BrokenRunError(f"{file} is damaged: {type(error).__name__}: {error}") from error


def read_checks_or_problem(run: AnyPath, expected: bool = False) -> tuple[Check, ...]:
    """Read the stored checks; if they are unreadable, return a warning instead, since a run is usable without them.

    `expected`: the run must have the file, even if nothing is suspicious, so a missing file means lost checks.
    """
    if expected and not (run / CHECKS).exists():
        return (Check("checks_missing", "warning", 0, 0, CHECKS_MISSING),)
    try:
        return read_checks(run)
    except (BrokenRunError, OSError) as error:
        return (Check("checks_unreadable", "warning", 0, 0, f"stored checks cannot be read: {error}"),)


def _identify_run(run: AnyPath) -> JSON:
    """The checksum of run.json, which is written once: it covers the configuration, the samples and the time."""
    return read_json(run / RUN).get("checksum")


def _from_json(entry: Mapping[str, Any]) -> Check:
    return Check(entry["name"], entry["severity"], entry["count"], entry["total"], entry["message"])
