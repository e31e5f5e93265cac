"""The journal of a tuning: each finished candidate at once, so that an interrupted one continues."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import JSON, replace_json, require_json, seal_json
from whyset.store.sealed_json import digest_json, read_sealed, validate_record
from whyset.store.tunings.records import TUNING_SCHEMA, TuningCandidate


@dataclass(frozen=True)
class TuningJournal:
    """The finished candidates of one tuning, in a folder next to its file; `path` is None without a file.

    Records of another model, other samples, another metric or other versions are not read: they have another
    `config_hash`.
    """

    path: Path | None
    config_hash: str

    def find(self, name: str, method: Mapping[str, Any]) -> TuningCandidate | None:
        """Return a finished candidate with this name and this method; None if it is not there, or damaged."""
        if self.path is None or not (file := self._locate(name)).is_file():
            return None
        try:
            stored = read_sealed(file, TUNING_SCHEMA)
            found: TuningCandidate = validate_record(TuningCandidate, stored.get("candidate"), "candidates")
        except (BrokenRunError, InputError):
            return None
        same = stored.get("config_hash") == self.config_hash and found.name == name
        return found if same and digest_json(found.method) == digest_json(method) else None

    def write(self, candidate: TuningCandidate) -> None:
        """Write a candidate, sealed by a checksum; the file appears whole."""
        if self.path is None:
            return
        stored: dict[str, Any] = asdict(candidate)
        require_json(stored, f"candidate {candidate.name!r}")
        content: dict[str, JSON] = {"schema": TUNING_SCHEMA, "config_hash": self.config_hash, "candidate": stored}
        with explain_disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            replace_json(self._locate(candidate.name), seal_json(content))

    def remove(self) -> None:
        """Remove the journal of a tuning that is finished."""
        if self.path is not None:
            shutil.rmtree(self.path, ignore_errors=True)

    def _locate(self, name: str) -> Path:
        assert self.path is not None
        return self.path / f"{digest_json(name).partition(':')[2][:16]}.json"


def open_journal(out: Path | None, config: JSON) -> TuningJournal:
    """Open the journal of the tuning that is written into `out`, for a configuration that everything depends on."""
    return TuningJournal(None if out is None else locate_journal(out), digest_json(config))


def locate_journal(out: Path) -> Path:
    """Return the folder of the journal of the tuning that is written into `out`."""
    return out.with_name(f"{out.name}.partial")
