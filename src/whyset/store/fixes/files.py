"""The files of fixes in a run: for each finding a sealed `fixes/<finding>/fix.json`, and the fixed models beside it."""

import hashlib
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from whyset.command import command
from whyset.errors import BrokenRunError, InputError
from whyset.store.commits import hash_commits
from whyset.store.files import explain_disk_errors, replace_file
from whyset.store.fixes.records import FIX_SCHEMA, FixComparison, TriedFix
from whyset.store.jsonfile import JSON, replace_json, require_json, seal_json
from whyset.store.layout import FIXES, is_safe_name, list_records, safe_name
from whyset.store.remote import AnyPath
from whyset.store.sealed_json import read_sealed, require_mapping, validate_record

HEAD = "fix.json"
_WHAT = "fixes"


def list_fixes(run: AnyPath) -> list[str]:
    """List the ids of the findings of a run that have fixes."""
    return list_records(run / FIXES, HEAD)


def open_fix(run: AnyPath, finding: str) -> FixComparison:
    """Open the fixes of a finding by its id, or the only one whose id begins so.

    InputError: there are none, or a newer whyset wrote them. BrokenRunError: fix.json is damaged.
    """
    return read_fix(run, finding)[0]


def read_fix(run: AnyPath, finding: str) -> tuple[FixComparison, bool]:
    """Read the fixes of a finding, and whether the run has other commits now than those that they were made from."""
    known = list_fixes(run)
    found = [id for id in known if id == finding] or [id for id in known if finding and id.startswith(finding)]
    if len(found) != 1:
        raise InputError(
            f"{run} has {'several' if found else 'no'} fixes of a finding {finding!r}; it has those of "
            f"{', '.join(known) or 'none yet'}: {command('fix', run, finding=finding)} makes them"
        )
    file = run / FIXES / found[0] / HEAD
    stored = read_sealed(file, FIX_SCHEMA, "fix the finding again")
    try:
        content = require_mapping(stored.get("fix"), _WHAT)
        record: FixComparison = validate_record(FixComparison, content, _WHAT)
        contradiction = _find_contradiction(record, found[0])
        if contradiction:
            raise BrokenRunError(f"{_WHAT} are damaged: {contradiction}")
    except BrokenRunError as error:
        raise BrokenRunError(f"{file}: {error}; fix the finding again") from error
    return record, stored.get("data") != hash_commits(run)


def write_fix(run: AnyPath, record: FixComparison) -> None:
    """Write the fixes of a finding, in place of those before; fixed models that are not listed are removed."""
    contradiction = _find_contradiction(record, record.finding)
    if contradiction:
        raise InputError(f"fixes of finding {record.finding}: {contradiction}")
    stored: dict[str, Any] = asdict(record)
    require_json(stored, f"fixes of finding {record.finding}")
    content: dict[str, JSON] = {
        "schema": FIX_SCHEMA,
        "data": hash_commits(run),
        "versions": {package: version(package) for package in ("whyset", "numpy", "torch")},
        "fix": stored,
    }
    folder = run / FIXES / safe_name(record.finding, "finding")
    with explain_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        replace_json(folder / HEAD, seal_json(content))
        kept = {one.file for one in record.fixes}
        for file in [entry for entry in folder.glob("*.pt") if entry.name not in kept]:
            file.unlink(missing_ok=True)


def write_model(run: AnyPath, finding: str, fix: str, data: bytes) -> tuple[str, str]:
    """Write the file of a fixed model, and return its name and SHA-256; `write_fix` lists it afterwards."""
    folder = run / FIXES / safe_name(finding, "finding")
    name = f"{safe_name(fix, 'fix')}.pt"
    with explain_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / name, data)
    return name, hashlib.sha256(data).hexdigest()


def read_model(run: AnyPath, finding: str, fix: TriedFix) -> bytes:
    """Read the file of a fixed model; BrokenRunError: it is missing or was changed."""
    file = run / FIXES / finding / str(fix.file)
    if fix.file is None or not file.is_file():
        raise BrokenRunError(f"{file} is missing; fix the finding again")
    data: bytes = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != fix.sha256:
        raise BrokenRunError(f"{file} was changed after it was written: its SHA-256 does not match; fix again")
    return data


def _find_contradiction(record: FixComparison, finding: str) -> str | None:
    """Return what contradicts in a record, or None."""
    if record.finding != finding:
        return f"expected the finding {finding}, got {record.finding}"
    listed = [one.id for one in record.listed]
    if len(set(listed)) < len(listed) or not all(map(is_safe_name, listed)):
        return "expected each fix once, with an id that can be a file name"
    done = {one.id: one for one in record.fixes}
    if len(done) < len(record.fixes) or not set(done) <= set(listed):
        return "expected finished fixes that are listed, each once"
    for one in record.fixes:
        if (one.problem is None) != (one.file == f"{one.id}.pt") or (one.file is None) != (one.sha256 is None):
            return f"expected a file with its hash, or a problem, of fix {one.id}"
    best = record.recommended
    if best is not None and (best not in done or done[best].problem is not None):
        return f"expected a recommended fix that was made, got {best}"
    return None
