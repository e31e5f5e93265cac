"""Analyses of a run: one folder per analysis and category, columns as .npy files, each category written as a whole."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt

from whyset.command import command
from whyset.errors import BrokenRunError, InputError, WhysetError
from whyset.printable import printable
from whyset.store.boundary import load_array
from whyset.store.commit_digest import hash_commits
from whyset.store.commits import checksum
from whyset.store.completeness import Completeness
from whyset.store.evidence import ClassEvidence, find_stranger, from_info, from_json, with_samples
from whyset.store.files import each
from whyset.store.jsonfile import JSON, json_checksum, read_json
from whyset.store.layout import ANALYSES, is_safe_name, safe_name
from whyset.store.remote import AnyPath, RemotePath
from whyset.store.remote_errors import RemoteError
from whyset.store.summary_table import make_summary_table

ANALYSIS = "analysis.json"
CATEGORY = "category.json"
ANALYSIS_SCHEMA = "2.2"
"""Since 2.0 categories hold typed evidence and a checksum, and analysis.json lists them; 1.x is still read."""
READABLE = ("1", "2")
_REMEDY = "to compute the class again, delete the folder of its files and analyze again"
OUTDATED = "it was computed with another configuration of this analysis; analyze again"
OTHER_COMMITS = "it was computed from other commits of the run than the rest of this analysis; analyze again"
_SHOWN = 20
"""Classes in the table of an analysis."""
MISSING = "it is not finished, or its folder was removed; analyze again"
BEING_WRITTEN = "it is being written: read it again in a moment; if its writer was stopped, analyze again"
UNFINISHED = (MISSING, BEING_WRITTEN)


class ReplacedError(BrokenRunError):
    """A category was written again while it was read: nothing is damaged, and what was read of it is old."""


@dataclass(frozen=True, repr=False)
class Category:
    """The results for one class. `problem` says why the category cannot be trusted, or is None.

    `sealed`: category.json carries a checksum over all of its content; those written before format 2.0 do not.
    """

    path: AnyPath
    id: str
    name: str
    evidence: ClassEvidence
    described: Mapping[str, Mapping[str, JSON]]
    problem: str | None = None
    folder: str = ""
    """Where below `path` the columns lie."""
    verified: set[str] = field(default_factory=set, compare=False, repr=False)
    """Columns whose checksums were compared."""
    sealed: bool = False
    data: str | None = None
    """What the run had committed when the category was computed."""
    config_hash: str | None = None
    n_rows: int | None = None
    """How many rows the run has, where it is known: the column "index" counts them."""

    def __repr__(self) -> str:
        return printable(f"<class {self.name!r}: {self.problem or self._summary}>", keep="")

    def _repr_html_(self) -> str:
        """The table that notebooks show."""
        clusterings = {name: len(one.clusters) for name, one in self.evidence.clusterings.items()}
        facts = {
            "id": self.id,
            "explanations": f"{self.evidence.n_explanations:,}",
            "clusterings": ", ".join(f"{name} ({n} clusters)" for name, n in clusterings.items()) or "none",
            "separability": _format_or_unknown(self.evidence.separability.value),
            "p-value": _format_or_unknown(self.evidence.separability.p_value),
            "columns": ", ".join(self.columns) or "none",
        }
        if self.problem:
            facts["problem"] = self.problem
        return make_summary_table(f"Class {self.name}", facts.items())

    @property
    def _summary(self) -> str:
        clustering = self.evidence.default_clustering
        found = self.evidence.clusterings.get(clustering or "")
        clusters = f", {len(found.clusters)} clusters by {clustering}" if found else ""
        return f"{self.evidence.n_explanations:,} explanations{clusters}"

    @property
    def exists(self) -> bool:
        """False where the analysis lists the category and has no folder for it."""
        return self.problem not in UNFINISHED

    @property
    def columns(self) -> list[str]:
        return list(self.described)

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column, mapped from its file where that is local.

        BrokenRunError: it is damaged, by its checksum too. ReplacedError: the category was written again since it was
        read.
        """
        if name not in self.described:
            raise InputError(f"category {self.name!r} has no column {name!r}; it has {self.columns}")
        try:
            return self._read_column(name)
        except RemoteError:
            raise
        except BrokenRunError as error:
            if self._was_replaced():
                message = f"{self.path} was written again while it was read: open the analysis again"
                raise ReplacedError(message) from error
            raise

    def _read_column(self, name: str) -> npt.NDArray[Any]:
        file = self.path / self.folder / f"{name}.npy"
        try:
            values = load_array(file)
        except RemoteError:
            raise
        except (OSError, ValueError, EOFError, OverflowError, MemoryError, SyntaxError) as error:  # what NumPy raises
            raise BrokenRunError(f"{file} is damaged or missing: {error}; {_REMEDY}") from error
        wanted = (self.described[name].get("dtype"), self.described[name].get("shape"))
        if (values.dtype.str, list(values.shape)) != wanted:
            raise BrokenRunError(
                f"{file} holds {values.dtype.str} {list(values.shape)}: expected {wanted[0]} {wanted[1]}; {_REMEDY}"
            )
        if name not in self.verified:
            self._require_checksum(file, checksum(values), self.described[name].get("crc32"))
            self.verified.add(name)
        if name == "index" and self.n_rows is not None:
            require_rows(file, values, self.n_rows)
        return values

    def _was_replaced(self) -> bool:
        """Whether category.json describes other columns now, or is absent because the folder is being exchanged."""
        now = read_category(self.path)
        if now.problem is not None:
            return self.path.name in _categories_being_written(self.path.parent)
        return (now.folder, now.described) != (self.folder, self.described)

    def _require_checksum(self, file: AnyPath, found: str, expected: JSON) -> None:
        if found != expected:
            raise BrokenRunError(f"{file} is damaged: its CRC32 is {found}, {CATEGORY} has {expected}; {_REMEDY}")


def require_rows(file: AnyPath, values: npt.NDArray[Any], n_rows: int) -> None:
    """BrokenRunError unless these are rows of the run; a negative one would stand for another."""
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise BrokenRunError(f"{file} is damaged: expected rows of the run, got {values.dtype} {values.shape}")
    if values.size and not 0 <= int(values.min()) <= int(values.max()) < n_rows:
        raise BrokenRunError(
            f"{file} is damaged: it names the rows {values.min()} to {values.max()}, the run has 0 to {n_rows - 1}"
        )


@dataclass(frozen=True)
class ListedClass:
    """A class that an analysis will have when it is finished."""

    id: str
    name: str


@dataclass(frozen=True, repr=False)
class Analysis:
    """An analysis: its configuration and its categories.

    `listed` are the classes that it will have when finished, `data` stands for the commits that it was made from; both
    are None before format 2.0. `one_target`: every sample of the run has one explanation. `n_rows`: the number of
    rows of the run, None where it is not known.

    >>> run.analysis("spray").category("horse").column("embedding.tsne")    # doctest: +SKIP
    """

    path: AnyPath
    name: str
    config: Mapping[str, JSON]
    config_hash: str
    listed: tuple[ListedClass, ...] | None = None
    data: str | None = None
    one_target: bool = False
    n_rows: int | None = None

    def __repr__(self) -> str:
        return printable(f"<analysis {self.name!r} of {self.path.parent.parent}: {len(self.categories):,} classes>")

    def _repr_html_(self) -> str:
        """The table that notebooks show: one row for each of the first classes."""
        facts = [(category.name, category.problem or category._summary) for category in self.categories[:_SHOWN]]
        if len(self.categories) > _SHOWN:
            facts.append(("...", f"{len(self.categories) - _SHOWN:,} further classes"))
        return make_summary_table(f"Analysis {self.name} of {self.path.parent.parent}", facts)

    @cached_property
    def categories(self) -> list[Category]:
        """Categories by id, those that the analysis lists; one that is not there comes with that problem."""
        folders = {folder.name: folder for folder in category_folders(self.path)}
        found = list(each(self.read, [folder for id, folder in folders.items() if self.lists(id)]))
        missing = [one for one in self.listed or () if one.id not in folders]
        begun = _categories_being_written(self.path) if missing else ()
        absent = (
            Category(
                self.path / one.id, one.id, one.name, ClassEvidence(), {}, BEING_WRITTEN if one.id in begun else MISSING
            )
            for one in missing
        )
        return sorted([*found, *absent], key=lambda category: category.id)

    @cached_property
    def _names(self) -> Mapping[str, str] | None:
        """Names of the listed classes by id."""
        return None if self.listed is None else {one.id: one.name for one in self.listed}

    def lists(self, id: str) -> bool:
        """Whether a folder of this name is one of the analysis; where it lists no classes, every folder is."""
        return self._names is None or id in self._names

    def read(self, folder: AnyPath) -> Category:
        """Read the category in a folder of this analysis; what is wrong with it becomes its `problem`."""
        category = self._read_or_wait(folder)
        if category.problem is not None:  # the name in a damaged file is not to be trusted
            return replace(category, name=(self._names or {}).get(category.id, category.name))
        stranger = None if self.n_rows is None else find_stranger(category.evidence, self.n_rows)
        if stranger is not None:
            problem = f"{folder / CATEGORY} is damaged: {stranger}; {_REMEDY}"
            return replace(category, evidence=ClassEvidence(), problem=problem)
        category = replace(category, n_rows=self.n_rows)
        if self.one_target:
            category = replace(category, evidence=with_samples(category.evidence))
        if self.listed is None:
            return category
        if not category.sealed:
            return replace(category, problem=f"{folder / CATEGORY} has no checksum: analyze again")
        return category if category.data == self.data else replace(category, problem=OTHER_COMMITS)

    def _read_or_wait(self, folder: AnyPath) -> Category:
        """Read category.json, again where it was absent because the folder is being exchanged: that takes no time."""
        category = read_category(folder, self.config_hash)
        if (
            category.problem is None
            or (folder / CATEGORY).exists()
            or folder.name not in _categories_being_written(self.path)
        ):
            return category
        category = read_category(folder, self.config_hash)
        return category if category.problem is None else replace(category, problem=BEING_WRITTEN)

    def check(self) -> Completeness:
        """Compare the categories with the list, and the commits with those of the run now."""
        counted = self.categories
        unfinished = tuple(category.name for category in counted if category.problem is not None)
        outdated = self.data is not None and self.data != hash_commits(self.path.parent.parent)
        sealed = self.listed is not None
        return Completeness(
            len(counted) if sealed else None, len(counted) - len(unfinished), unfinished, sealed, outdated
        )

    def category(self, key: str) -> Category:
        """The category of this id or name."""
        found = [category for category in self.categories if category.id == key]
        found = found or [category for category in self.categories if category.name == key]
        if len(found) != 1:
            names = [category.name for category in self.categories[:12]]
            what = "more than one category" if found else "no category"
            raise InputError(f"analysis {self.name!r} has {what} {key!r}; it has {', '.join(names) or 'none yet'}")
        return found[0]

    def clusters(self, key: str) -> npt.NDArray[Any]:
        """Cluster numbers of a category by its default clustering, -1 = noise; the samples are its column "index"."""
        category = self.category(key)
        return category.column(f"clustering.{category.evidence.default_clustering or 'kmeans'}")


def _format_or_unknown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"


def category_folders(analysis: AnyPath) -> list[AnyPath]:
    """Finished categories: a folder appears whole; in an object store, category.json comes after all columns.

    A folder that holds something without category.json has lost it and is listed, too; an empty one is a stray.
    """
    if isinstance(analysis, RemotePath):
        return [file.parent for file in sorted(analysis.below(), key=str) if file.name == CATEGORY]
    return [entry for entry in sorted(analysis.iterdir()) if is_safe_name(entry.name) and _holds_something(entry)]


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is not None


def _categories_being_written(analysis: AnyPath) -> Set[str]:
    """Categories that a writer has begun or left, by its folders `.<category>.<writer>.<partial or old>`."""
    if isinstance(analysis, RemotePath):  # an object appears whole
        return frozenset()
    names = (entry.name[1:] for ending in ("partial", "old") for entry in analysis.glob(f".*.*.{ending}"))
    return {name.rpartition(".")[0].rpartition(".")[0] for name in names}


def analysis_names(run: AnyPath) -> list[str]:
    names = (entry.parent.name for entry in (run / ANALYSES).glob(f"*/{ANALYSIS}"))
    return sorted(filter(is_safe_name, names))


def open_analysis(run: AnyPath, name: str, *, one_target: bool = False, n_rows: int | None = None) -> Analysis:
    """Open an analysis; the fields are those of `Analysis`. InputError: there is none of this name."""
    path = run / ANALYSES / safe_name(name, "analysis")
    if not (path / ANALYSIS).is_file():
        names = analysis_names(run)
        raise InputError(f"{run} has no analysis {name!r}; it has {', '.join(names) if names else 'none yet'}")
    try:
        return _read_head(path, name, one_target, n_rows)
    except RemoteError:
        raise
    except BrokenRunError as error:
        raise BrokenRunError(f"{error}; {analyze_again(run, name)}") from error


def analyze_again(run: AnyPath, name: str) -> str:
    """What to do about a damaged analysis."""
    return f"analyze again: {command('analyze', run, name=name)} with the same options"


def _read_head(path: AnyPath, name: str, one_target: bool, n_rows: int | None) -> Analysis:
    """Read analysis.json. BrokenRunError: it is damaged."""
    stored = read_json(path / ANALYSIS)
    major = str(stored.get("schema")).partition(".")[0]
    if major not in READABLE:
        raise InputError(
            f"{path} has the format version {stored.get('schema')}; this whyset reads {ANALYSIS_SCHEMA}: update whyset"
        )
    config = stored.get("config")
    if not isinstance(config, dict):
        raise BrokenRunError(f"{path / ANALYSIS} is damaged: it has no configuration")
    if (major != "1" or "checksum" in stored) and stored.get("checksum") != json_checksum(stored):
        raise BrokenRunError(f"{path / ANALYSIS} was changed after it was written: its checksum does not fit")
    data = stored.get("data")
    listed = _list_classes(path, stored.get("categories"))
    return Analysis(path, name, config, str(stored.get("config_hash")), listed, _text(data), one_target, n_rows)


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None


def _list_classes(path: AnyPath, stored: Any) -> tuple[ListedClass, ...] | None:
    if stored is None:
        return None
    try:
        return tuple(ListedClass(safe_name(one["id"], "category id"), str(one["name"])) for one in stored)
    except (KeyError, TypeError) as error:
        raise BrokenRunError(f"{path / ANALYSIS} is damaged: its list of categories: {error!r}") from error


def read_category(folder: AnyPath, config_hash: str | None = None) -> Category:
    """Read category.json; what is wrong with it becomes the `problem`, so that one cannot hide the others."""
    try:
        category = _parse_category(folder, read_json(folder / CATEGORY))
    except (BrokenRunError, InputError, KeyError, TypeError, AttributeError) as error:
        return Category(
            folder, folder.name, folder.name, ClassEvidence(), {}, _describe_damage(folder / CATEGORY, error)
        )
    if category.problem is None and config_hash is not None and category.config_hash != config_hash:
        return replace(category, problem=OUTDATED)
    return category


def _describe_damage(file: AnyPath, error: Exception) -> str:
    """State what is wrong with a file, which is named once."""
    reason = str(error) if isinstance(error, WhysetError) else repr(error)
    said = reason if reason.startswith(str(file)) else f"{file} is damaged: {reason}"
    return f"{said}; analyze again"


def _parse_category(folder: AnyPath, stored: dict[str, Any]) -> Category:
    """Give the category; one whose checksum does not fit is damaged, whatever it says."""
    sealed = "evidence" in stored
    if sealed and stored.get("checksum") != json_checksum(stored):
        raise BrokenRunError("it was changed after it was written: its checksum does not fit")
    if stored["id"] != folder.name and sealed:
        raise BrokenRunError(f"it belongs to the category {stored['id']!r}, not to this folder")
    if (
        not isinstance(stored["id"], str)
        or not isinstance(stored["name"], str)
        or not isinstance(stored["columns"], Mapping)
    ):
        raise BrokenRunError("'id' and 'name' must be texts and 'columns' an object")
    evidence = from_json(stored["evidence"]) if sealed else from_info(stored["info"])
    columns_in = safe_name(stored["folder"], "folder of columns") if "folder" in stored else ""
    return Category(
        folder,
        stored["id"],
        stored["name"],
        evidence,
        stored["columns"],
        folder=columns_in,
        sealed=sealed,
        data=stored.get("data"),
        config_hash=stored.get("config_hash"),
    )
