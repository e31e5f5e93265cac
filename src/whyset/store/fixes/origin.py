"""The origin of fixes and of runs of fixed models: hashes and names by which they are matched, not folders."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from whyset.errors import BrokenRunError
from whyset.store.config import RunConfig
from whyset.store.evidence.records import PYDANTIC
from whyset.store.findings.records import Finding
from whyset.store.fixes.records import FixComparison, FixSplit
from whyset.store.jsonfile import JSON
from whyset.store.sealed_json import digest_json, require_mapping, validate_record

FIXED = "fixed"
"""The field of `origin` in run.json that names the fix of the run's model."""


@dataclass(frozen=True)
class FixedModelOrigin:
    """The fix whose model a run explains.

    Parameters
    ----------
    run : str
        The configuration hash of the run that has the fix, which does not change if its folder is moved.
    path : str
        Where this run was when the fixed model was explained, for users.
    finding, fix : str
        The ids of the finding and of the fix.
    sha256 : str
        The hash of the file of the fix: a fix that was made again has another one.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    run: str
    path: str
    finding: str
    fix: str
    sha256: str

    def to_json(self) -> dict[str, JSON]:
        """Return the form in run.json: the field `fixed` of `origin`."""
        return {FIXED: asdict(self)}


def read_fixed_origin(config: RunConfig) -> FixedModelOrigin | None:
    """Return the fix whose model a run explains; None for other runs. BrokenRunError: it is not readable."""
    stored = config.origin.get(FIXED)
    if stored is None:
        return None
    what = "the names of the fix in run.json"
    try:
        found: FixedModelOrigin = validate_record(FixedModelOrigin, require_mapping(stored, what), what)
    except BrokenRunError as error:
        raise BrokenRunError(f"{error}; explain the fixed model again") from error
    return found


def hash_fix_origin(finding: Finding, split: FixSplit, weights_hash: str, layers_hash: str, commits: str) -> str:
    """Return the hash of what fixes are made from: the evidence, the samples that carry it, the model and the split."""
    origin: dict[str, Any] = {
        "evidence": [finding.id, list(finding.rows), dict(finding.intervention or {})],
        "split": {name: value for name, value in asdict(split).items() if value is not None},
        "model": [weights_hash, layers_hash],
        "commits": commits,
    }
    return digest_json(origin)


def is_made_from(record: FixComparison, finding: Finding, commits: str) -> bool:
    """Return True if fixes were made from this finding, with these carriers and these commits of the run."""
    return record.origin == hash_fix_origin(finding, record.split, record.weights_hash, record.layers_hash, commits)
