"""AnalysisWriter: writes each category whole; a recomputed category replaces the old one only when complete."""

import hashlib
import re
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import BrokenRunError, InputError
from whyset.store.analyses import ANALYSIS, ANALYSIS_SCHEMA, ListedClass
from whyset.store.category import CATEGORY, read_category
from whyset.store.commits import checksum, hash_commits
from whyset.store.evidence import ClassEvidence, to_json
from whyset.store.files import explain_disk_errors, new_file, remove, sync_file, sync_folder
from whyset.store.jsonfile import JSON, canonical, create_json, json_checksum, read_json, replace_json, seal_json
from whyset.store.layout import ANALYSES, safe_name
from whyset.store.process_identity import ProcessIdentity
from whyset.store.remote import AnyPath, RemotePath

_OLD_SECONDS = 3600.0
_PROCESS = re.compile(r"(?P<pid>[0-9]+)_(?P<kernel>[0-9a-f]{8})_(?P<started>[0-9]*)")


@dataclass(frozen=True)
class CategoryResult:
    """The results of an analysis for one category: columns of numbers, and evidence without NaN."""

    id: str
    name: str
    columns: Mapping[str, npt.NDArray[Any]]
    evidence: ClassEvidence = field(default_factory=ClassEvidence)

    def __post_init__(self) -> None:
        safe_name(self.id, "category id")
        to_json(self.evidence, f"evidence of category {self.name!r}")  # refused before anything is written
        for name, values in self.columns.items():
            safe_name(name, "column")
            if np.asarray(values).dtype.kind not in "iufb":
                raise InputError(f"column {name!r} of category {self.name!r} holds {values.dtype}: expected numbers")


@dataclass(frozen=True)
class AnalysisWriter:
    """Writes the categories of one analysis; it can be sent to workers.

    `data` is the hash of the run's commits when the writer was made: results from other commits are recomputed.
    """

    path: AnyPath
    config_hash: str
    data: str

    def has(self, category: str) -> bool:
        """True if the category is finished and sealed, with this configuration and from the same rows."""
        folder = self.path / safe_name(category, "category id")
        if not (folder / CATEGORY).is_file():
            return False
        found = read_category(folder, self.config_hash)
        return found.problem is None and found.sealed and found.data == self.data

    def write(self, result: CategoryResult) -> None:
        """Write a category, which appears whole."""
        with explain_disk_errors(self.path):
            if isinstance(self.path, RemotePath):
                self._put(self.path / result.id, result)
            else:
                self._exchange(self.path / result.id, result)

    def _exchange(self, folder: Path, result: CategoryResult) -> None:
        """Fill a temporary folder, then rename it."""
        temporary = _beside(folder, "partial")
        temporary.mkdir()
        try:
            columns = _write_columns(temporary, result)
            create_json(temporary / CATEGORY, self._record(result, columns))
            _replace_folder(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _put(self, folder: RemotePath, result: CategoryResult) -> None:
        """Write columns below a new key, then category.json, which names it: objects cannot be renamed together."""
        before = read_category(folder).folder if (folder / CATEGORY).is_file() else ""
        name = uuid.uuid4().hex
        columns = _write_columns(folder / name, result)
        replace_json(folder / CATEGORY, self._record(result, columns, {"folder": name}))
        # Old columns are removed last: until then a reader of the old category.json still finds them.
        if before:
            remove(folder / before)

    def _record(
        self, result: CategoryResult, columns: Mapping[str, JSON], more: Mapping[str, JSON] | None = None
    ) -> dict[str, JSON]:
        """Return the content of category.json, sealed with a checksum over all of it."""
        head: dict[str, JSON] = {"id": result.id, "name": result.name, "config_hash": self.config_hash}
        found: dict[str, JSON] = {"data": self.data, "columns": columns, "evidence": to_json(result.evidence)}
        content = {**head, **found, **(more or {})}
        return seal_json(content)


def _write_columns(folder: AnyPath, result: CategoryResult) -> dict[str, JSON]:
    """Write the columns as NPY files; return their descriptions for category.json."""
    columns: dict[str, JSON] = {}
    for name, values in result.columns.items():
        array = np.ascontiguousarray(values).astype(np.asarray(values).dtype.newbyteorder("<"), copy=False)
        array = array.reshape(np.shape(values))
        with new_file(folder / f"{name}.npy") as file:
            np.save(file, array, allow_pickle=False)
        sync_file(folder / f"{name}.npy")
        columns[name] = {"dtype": array.dtype.str, "shape": list(array.shape), "crc32": checksum(array)}
    return columns


def open_analysis_writer(
    run: AnyPath, name: str, config: Mapping[str, JSON], classes: Sequence[ListedClass] | None = None
) -> AnalysisWriter:
    """Begin or continue an analysis; with another configuration, its categories are replaced one by one.

    `classes` are those that it will have; without them the analysis stays unsealed, as a missing one is not noticed.
    """
    path = run / ANALYSES / safe_name(name, "analysis")
    config_hash, data = _digest(canonical(config)), hash_commits(run)
    head: dict[str, JSON] = {"schema": ANALYSIS_SCHEMA, "name": name, "config": config, "config_hash": config_hash}
    if classes is not None:
        head |= {"data": data, "categories": [{"id": one.id, "name": one.name} for one in classes]}
    with explain_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        if isinstance(path, Path):
            _remove_leftovers(path)
            _require_no_folder(path / ANALYSIS)
        if not _is_head(path, head):
            versions: JSON = {package: version(package) for package in ("whyset", "numpy", "scipy", "scikit-learn")}
            content = head | {"versions": versions}
            replace_json(path / ANALYSIS, seal_json(content))
    return AnalysisWriter(path, config_hash, data)


def _is_head(path: AnyPath, head: Mapping[str, JSON]) -> bool:
    """True if analysis.json has this content already: processes of one job begin an analysis concurrently."""
    if not (path / ANALYSIS).is_file():
        return False
    try:
        stored = read_json(path / ANALYSIS)
    except BrokenRunError:
        return False  # a damaged one is replaced
    rest = {name: value for name, value in stored.items() if name not in ("versions", "checksum")}
    return canonical(rest) == canonical(head) and stored.get("checksum") == json_checksum(stored)


def _require_no_folder(file: Path) -> None:
    if file.is_dir() and not file.is_symlink():
        raise BrokenRunError(f"{file}: expected a file, got a folder; delete it, then analyze again")


def _replace_folder(new: Path, place: Path) -> None:
    """Replace a folder by two renames, between which the category is absent, but never partial."""
    old = _beside(place, "old")
    if place.exists():
        place.rename(old)
    new.rename(place)
    sync_folder(place.parent)
    with suppress(OSError):  # the next writer tries again
        remove(old)


def _beside(place: Path, ending: str) -> Path:
    """Return a hidden path that names its writer: `.<category>.<host>-<process>-<random>.<ending>`.

    <process> is `<pid>_<kernel>_<start>`, where <kernel> is a hash of boot and PID namespace.
    """
    me = ProcessIdentity.current()
    writer = f"{me.host.replace('.', '_')}-{me.pid}_{_kernel(me)}_{me.started}"
    return place.with_name(f".{place.name}.{writer}-{uuid.uuid4().hex}.{ending}")


def _kernel(process: ProcessIdentity) -> str:
    """Return eight digits of a hash of the boot and the PID namespace of a process."""
    return hashlib.sha256(f"{process.boot} {process.namespace}".encode()).hexdigest()[:8]


def _is_abandoned(folder: Path) -> bool:
    """True if the folder's writer is known to have ended, or the folder is old.

    Folders of earlier versions name only a host and a process id, which are ambiguous between containers: their age
    decides.
    """
    host, _, process = folder.name.split(".")[-2].rpartition("-")[0].rpartition("-")
    here = ProcessIdentity.current()
    written = _PROCESS.fullmatch(process)
    if written and (host, written["kernel"]) == (here.host.replace(".", "_"), _kernel(here)):
        return replace(here, pid=int(written["pid"]), started=written["started"]).has_ended()
    unnamed = not written and not process.isdecimal()
    return unnamed or time.time() - folder.stat().st_mtime > _OLD_SECONDS


def _remove_leftovers(path: Path) -> None:
    """Put back a category whose replacement was killed between two renames; delete unfinished folders.

    Ranks of one job open the same analysis concurrently: folders of running writers stay.
    """
    for old in filter(_is_abandoned, path.glob(".*.old")):
        place = path / old.name[1:].rpartition(".")[0].rpartition(".")[0]
        if not place.exists():
            old.rename(place)
    for leftover in filter(_is_abandoned, [*path.glob(".*.old"), *path.glob(".*.partial")]):
        with suppress(OSError):
            remove(leftover)


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
