"""run.json: the record of a run. It is written once, last of all, and refused if edited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.arrays import ArraySpec
from whyset.store.boundary import get_stored_size
from whyset.store.config import RunConfig
from whyset.store.jsonfile import JSON, create_json, json_checksum, read_json, seal_json
from whyset.store.layout import FORMAT, KNOWN_FEATURES, RUN, SAMPLES, SCHEMA, SEVERAL_TARGETS, is_run
from whyset.store.remote import AnyPath

MOST_SHARD_ROWS = 2**24
_UNQUESTIONED_ROWS, _ROWS_PER_BYTE = 2**20, 8
"""Fewer rows need little memory; the index and the id of each take more than a bit when compressed."""


@dataclass(frozen=True)
class RunRecord:
    """The content of run.json, without the fields that only serve to check it."""

    config: RunConfig
    config_hash: str
    arrays: tuple[ArraySpec, ...]
    size: int
    samples_hash: str


def create_record(folder: AnyPath, record: RunRecord) -> None:
    """Write run.json, which must not exist yet; it makes the folder a run."""
    content: dict[str, JSON] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "requires": [SEVERAL_TARGETS] if record.config.targets_per_sample > 1 else [],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": record.config.to_json(),
        "config_hash": record.config_hash,
        "samples": {"count": record.size, "sha256": record.samples_hash},
        "arrays": [spec.to_json() for spec in record.arrays],
    }
    create_json(folder / RUN, seal_json(content))


def read_record(folder: AnyPath) -> RunRecord:
    """Read and check run.json; see `open_run` for the errors."""
    if not is_run(folder):
        raise InputError(f"{folder} is not a run: expected a folder with {RUN}{_hint(folder)}")
    path = folder / RUN
    stored: dict[str, Any] = read_json(path)
    _require_readable(path, stored)
    if stored.get("checksum") != json_checksum(stored):
        raise BrokenRunError(
            f"{path} was changed after the run was made: its checksum does not match; "
            "restore the file, or explain again into another folder"
        )
    try:
        arrays = tuple(ArraySpec.from_json(spec) for spec in stored["arrays"])
        config, config_hash = RunConfig.from_json(stored["config"], path), str(stored["config_hash"])
        size, samples_hash = stored["samples"]["count"], str(stored["samples"]["sha256"])
        record = RunRecord(config, config_hash, arrays, size, samples_hash)
        _require_possible(folder, record)
        return record
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenRunError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _require_possible(folder: AnyPath, record: RunRecord) -> None:
    """Refuse impossible numbers before anything is allocated for them."""
    size, config, names = record.size, record.config, [spec.name for spec in record.arrays]
    if type(size) is not int or size < 1 or size % config.targets_per_sample:
        raise ValueError(f"it has {size!r} rows: expected a multiple of {config.targets_per_sample}, at least one")
    if config.shard_rows > MOST_SHARD_ROWS:
        raise ValueError(f"a shard has {config.shard_rows} rows: expected at most {MOST_SHARD_ROWS}")
    if len(set(names)) < len(names):
        raise ValueError(f"two arrays have the same name: {names}")
    if size > _UNQUESTIONED_ROWS and size > _ROWS_PER_BYTE * get_stored_size(folder / SAMPLES):
        raise ValueError(f"it has {size:,} rows, but {SAMPLES} is too small to hold them")


def _require_readable(path: AnyPath, stored: Mapping[str, JSON]) -> None:
    if stored.get("format") != FORMAT:
        raise InputError(
            f"{path} is not a file of whyset: expected the format {FORMAT!r}, got {stored.get('format')!r}"
        )
    schema = str(stored.get("schema"))
    if schema.partition(".")[0] != SCHEMA.partition(".")[0]:
        raise InputError(f"{path} has the format version {schema}; this whyset reads {SCHEMA}: update whyset")
    required = stored.get("requires", [])
    unknown = [name for name in required if name not in KNOWN_FEATURES] if isinstance(required, list) else [required]
    if unknown:
        raise InputError(
            f"{path} requires {', '.join(map(str, unknown))}, which this whyset does not know: update whyset"
        )


def _hint(folder: AnyPath) -> str:
    if not folder.exists():
        return "; the folder does not exist"
    runs = sorted(entry.name for entry in folder.iterdir() if is_run(entry))[:3] if folder.is_dir() else []
    return f"; it holds the runs {', '.join(runs)}" if runs else ""
