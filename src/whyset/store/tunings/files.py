"""The file of a tuned method: one sealed JSON object, which is validated when it is read and executes no code."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import JSON, create_json, require_json, seal_json
from whyset.store.sealed_json import read_sealed, require_mapping, validate_record
from whyset.store.tunings.records import TUNING_SCHEMA, Tuning

FORMAT = "whyset.tuning"
_WHAT = "tuned methods"
_ADVICE = "tune again, or get the file again"


def write_tuning(path: Path, record: Tuning) -> None:
    """Write a tuned method; InputError: the file exists already."""
    contradiction = find_contradiction(record)
    if contradiction:
        raise InputError(f"a tuned method: {contradiction}")
    stored: dict[str, Any] = asdict(record)
    require_json(stored, "a tuned method")
    content: dict[str, JSON] = {"schema": TUNING_SCHEMA, "format": FORMAT, "tuning": stored}
    with explain_disk_errors(path.parent):
        try:
            create_json(path, seal_json(content))
        except FileExistsError as error:
            raise refuse_existing(path) from error


def refuse_existing(path: Path) -> InputError:
    """Return the error for a file that exists."""
    return InputError(f"{path} exists already: remove it, or give another file by --out (out=)")


def read_tuning(path: Path) -> Tuning:
    """Read a tuned method.

    InputError: the file does not exist, is another kind of file, or a newer whyset wrote it. BrokenRunError: it is
    damaged.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: expected a file that whyset tune wrote")
    stored = read_sealed(path, TUNING_SCHEMA, _ADVICE)
    if stored.get("format") != FORMAT:
        raise InputError(f"{path} is not a tuned method: expected the format {FORMAT!r}, got {stored.get('format')!r}")
    try:
        content = require_mapping(stored.get("tuning"), _WHAT)
        record: Tuning = validate_record(Tuning, content, _WHAT)
        contradiction = find_contradiction(record)
        if contradiction:
            raise BrokenRunError(f"{_WHAT} are damaged: {contradiction}")
    except BrokenRunError as error:
        raise BrokenRunError(f"{path}: {error}; {_ADVICE}") from error
    return record


def find_contradiction(record: Tuning) -> str | None:
    """Return what contradicts in a record, or None."""
    named = {one.name: one for one in record.candidates}
    if len(named) < len(record.candidates):
        return "expected each candidate once"
    expected = ((record.preset, "preset"), (record.composite, "preset"), (record.tuned, "searched"))
    for name, kind in expected:
        if name is not None and (name not in named or named[name].kind != kind or named[name].value is None):
            return f"expected {name!r} among the measured candidates of kind {kind}"
    if record.chosen not in (record.preset, record.tuned):
        return f"expected the preset or the tuned candidate to be chosen, got {record.chosen!r}"
    if any((one.value is None) == (one.problem is None) for one in record.candidates):
        return "expected a value or a problem of each candidate"
    samples = (*record.tuned_on.tuning_samples, *record.tuned_on.held_out_samples)
    if len(set(samples)) < len(samples):
        return "expected held-out samples that are not tuning samples"
    if record.tuned is not None and not record.held_out:
        return "expected the comparison on held-out samples"
    if (record.against_composite is None) != (record.tuned is None or record.composite is None):
        return "expected the comparison of the tuned candidate with the best composite, if there are both"
    if record.is_better and record.held_out[0].verdict != "better":
        return "expected the preset, because the tuned candidate is not significantly better"
    return None
