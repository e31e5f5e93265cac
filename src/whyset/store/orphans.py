"""Files in a run folder that do not belong to the run: readers ignore them, verification reports them."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from whyset.store.boundary import MOST_RECORD, parse_json, read_regular
from whyset.store.geometry import RunGeometry
from whyset.store.layout import COMMITS, DATA, OWN_NAMES, inside
from whyset.store.preallocate import make_metadata
from whyset.store.problems import Problem
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError

_METADATA = "zarr.json"
_COMMIT_NAME = re.compile(r"[0-9]{6,}\.(json|claim)")
_DECISIVE = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs", "fill_value")
"""Fields of zarr.json that determine the values; names and attributes may be added."""


def verify_strays(run: RunGeometry) -> Iterator[Problem]:
    """Yield files and arrays that run.json does not list; they are harmless."""
    for entry in visible_entries(run.path):
        if entry.name not in OWN_NAMES:
            yield Problem("stray", entry.name, "it is not part of the run and is not read")
    for entry in visible_entries(run.path / COMMITS):
        if not _COMMIT_NAME.fullmatch(entry.name):
            yield Problem("stray", f"{COMMITS}/{entry.name}", "it is not a commit and is not read")
    arrays = {spec.name for spec in run.arrays}
    groups = {name.rpartition("/")[0] for name in arrays}
    for group in sorted(groups):
        folder = run.path.joinpath(DATA, *group.split("/")) if group else run.path / DATA
        for entry in visible_entries(folder):
            name = f"{group}/{entry.name}" if group else entry.name
            if name not in arrays | groups and entry.name != _METADATA:
                yield Problem("stray", f"{DATA}/{name}", "run.json does not list this array, and it is not read")


def verify_metadata(run: RunGeometry) -> Iterator[Problem]:
    """Yield differences between zarr.json and run.json, by which other programs would read other values."""
    config = run.config
    for key, content in make_metadata(run.arrays, len(run), config.shard_rows, config.targets_per_sample).items():
        file, wanted = run.path.joinpath(DATA, *key.split("/")), json.loads(content)
        try:
            found = parse_json(read_regular(file, MOST_RECORD))
        except FileNotFoundError:
            yield Problem("missing", f"{DATA}/{key}", "other programs cannot open the arrays without it")
        except RemoteError:
            raise
        except (ValueError, OSError) as error:
            yield Problem("damaged", f"{DATA}/{key}", f"it cannot be read as JSON: {error}")
        else:
            yield from _differences(f"{DATA}/{key}", found, wanted)


def _differences(where: str, found: Any, wanted: dict[str, Any]) -> Iterator[Problem]:
    if not isinstance(found, dict):
        yield Problem("damaged", where, f"expected a JSON object, got {type(found).__name__}")
        return
    for field in _DECISIVE:
        if found.get(field) != wanted.get(field):
            message = f"{field} is {found.get(field)}: expected {wanted.get(field)} by run.json"
            yield Problem("mismatch", where, message)


def find_strays(run: AnyPath, folder: AnyPath, known: Collection[str], message: str) -> Iterator[Problem]:
    """Yield the entries of a folder of a run whose names are not known, with the message why they are not read."""
    for entry in visible_entries(folder):
        if entry.name not in known:
            yield Problem("stray", inside(run, entry), message)


def visible_entries(folder: AnyPath) -> list[AnyPath]:
    """List the entries of a folder without hidden ones, sorted by name; none if it is not a folder."""
    if not folder.is_dir():
        return []
    return sorted((entry for entry in folder.iterdir() if not entry.name.startswith(".")), key=lambda entry: entry.name)
