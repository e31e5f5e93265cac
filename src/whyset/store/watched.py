"""The folder of a watched training: `watch.json`, and the run of each watched epoch."""

import re
from contextlib import suppress
from pathlib import Path

from whyset.errors import InputError
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import create_json, read_json
from whyset.store.layout import is_run
from whyset.store.remote import AnyPath

WATCH_SCHEMA = "1.0"
"""Version of the stored form."""
HEAD = "watch.json"
_EPOCH = re.compile(r"epoch-(\d{4,})")


def is_watched(folder: str | Path) -> bool:
    """Return True for the folder of a watched training."""
    return (Path(folder) / HEAD).is_file()


def claim_folder(folder: Path, threshold: float) -> None:
    """Create the folder of a watched training, or check that it is one with this threshold.

    Raises
    ------
    InputError
        It has other files, or was begun with another threshold.
    """
    if not is_watched(folder):
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            raise InputError(f"{folder} has other files than those of a watched training: choose another folder")
        with explain_disk_errors(folder), suppress(FileExistsError):  # another process was first
            folder.mkdir(parents=True, exist_ok=True)
            create_json(folder / HEAD, {"schema": WATCH_SCHEMA, "threshold": threshold})
    stored = read_threshold(folder)
    if stored != threshold:
        raise InputError(
            f"{folder} was begun with the threshold {stored:g}, and the given one is {threshold:g}: choose another "
            "folder, or the same threshold"
        )


def read_threshold(folder: str | Path) -> float:
    """Read the threshold; InputError: the folder is none of a watched training, or of a newer whyset."""
    head = Path(folder) / HEAD
    if not head.is_file():
        raise InputError(f"{folder} is not the folder of a watched training: it has no {HEAD}")
    stored = read_json(head)
    threshold, schema = stored.get("threshold"), str(stored.get("schema"))
    if schema.partition(".")[0] != WATCH_SCHEMA.partition(".")[0] or not isinstance(threshold, int | float):
        raise InputError(f"{head}: expected schema {WATCH_SCHEMA} and a threshold, got {schema} and {threshold!r}")
    return float(threshold)


def locate_epoch(folder: str | Path, epoch: int) -> Path:
    """Return the folder of the run of an epoch.

    >>> locate_epoch("watch", 3).name
    'epoch-0003'
    """
    return Path(folder) / f"epoch-{epoch:04}"


def get_epoch(run: AnyPath) -> tuple[Path | None, int]:
    """Return the folder of the watched training that a run is an epoch of, and the epoch; None and 0 for other runs."""
    match = _EPOCH.fullmatch(run.name)
    if match is None or not isinstance(run, Path) or not is_watched(run.parent):
        return None, 0
    return run.parent, int(match[1])


def list_epochs(folder: str | Path) -> list[int]:
    """List the epochs that have a run, ascending."""
    entries = Path(folder).iterdir() if Path(folder).is_dir() else ()
    matches = ((_EPOCH.fullmatch(entry.name), entry) for entry in entries)
    return sorted(int(match[1]) for match, entry in matches if match and is_run(entry))
