"""Analyses of a run: one folder per analysis and category, columns as .npy files, each category written as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt

from whyset.command import command
from whyset.errors import BrokenRunError, InputError
from whyset.printable import printable
from whyset.store.category import (
    BEING_WRITTEN,
    CATEGORY,
    MISSING,
    READABLE,
    REMEDY,
    Category,
    categories_being_written,
    read_category,
)
from whyset.store.commits import hash_commits
from whyset.store.evidence import ClassEvidence, find_stranger, with_samples
from whyset.store.files import each
from whyset.store.jsonfile import JSON, json_checksum, read_json
from whyset.store.layout import ANALYSES, is_safe_name, list_records, safe_name
from whyset.store.remote import AnyPath, RemotePath
from whyset.store.remote_errors import RemoteError
from whyset.store.summary_table import make_summary_table

ANALYSIS = "analysis.json"
ANALYSIS_SCHEMA = "2.2"
"""Since 2.0 categories hold typed evidence and a checksum, and analysis.json lists them; 1.x is still read."""
OTHER_COMMITS = "it was computed from other commits of the run than the rest of this analysis; analyze again"
_SHOWN = 20
"""Classes in the table of an analysis."""


@dataclass(frozen=True)
class Completeness:
    """Finished and unfinished classes of an analysis, and its state: sealed, up to date.

    `n_classes` is None if the analysis does not list its classes, as before format 2.0. `unfinished` names the
    classes that are missing, damaged or outdated. `of_views` states what is missing in the other views of the analysis.
    """

    n_classes: int | None
    n_finished: int
    unfinished: tuple[str, ...]
    sealed: bool
    outdated: bool = False
    of_views: tuple[str, ...] = ()

    @property
    def reason_without_q(self) -> str | None:
        """The reason why q-values are withheld, or None: they depend on the p-values of all classes."""
        if not self.unfinished:
            return None
        total = len(self.unfinished) + self.n_finished if self.n_classes is None else self.n_classes
        names = ", ".join(self.unfinished[:5]) + (", ..." if len(self.unfinished) > 5 else "")
        return (
            f"{self.n_finished} of {total} classes are finished (not: {names}); q-values are withheld until all are "
            "finished"
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices for readers, as sentences."""
        found = [self.reason_without_q] if self.reason_without_q else []
        if self.outdated:
            found.append("the analysis was computed from other commits than the run has now; analyze again")
        if not self.sealed:
            found.append(
                "the analysis is not sealed, so changes to its files are not noticed; analyze again to seal it"
            )
        return tuple(f"{one[:1].upper()}{one[1:]}." for one in (*found, *self.of_views))


@dataclass(frozen=True)
class ListedClass:
    """A class that an analysis will have when it is finished."""

    id: str
    name: str


@dataclass(frozen=True, repr=False)
class Analysis:
    """An analysis: its configuration and its categories.

    `listed` are the classes that it will have when finished, `data` is the hash of the commits that it was computed
    from; both are None before format 2.0. `one_target`: every sample of the run has one explanation. `n_rows`: the
    number of rows of the run, None if unknown.

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
        """The categories that the analysis lists, by id; a missing one has a `problem`."""
        folders = {folder.name: folder for folder in category_folders(self.path)}
        found = list(each(self.read, [folder for id, folder in folders.items() if self.lists(id)]))
        missing = [one for one in self.listed or () if one.id not in folders]
        begun = categories_being_written(self.path) if missing else ()
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
        """True if a folder of this name belongs to the analysis; every folder does if it lists no classes."""
        return self._names is None or id in self._names

    def read(self, folder: AnyPath) -> Category:
        """Read the category in a folder of this analysis; damage becomes its `problem`."""
        category = self._read_or_wait(folder)
        if category.problem is not None:  # the name in a damaged file is not to be trusted
            return replace(category, name=(self._names or {}).get(category.id, category.name))
        stranger = None if self.n_rows is None else find_stranger(category.evidence, self.n_rows)
        if stranger is not None:
            problem = f"{folder / CATEGORY} is damaged: {stranger}; {REMEDY}"
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
        """Read category.json, twice if it is absent because the folder is being replaced, which takes only a moment."""
        category = read_category(folder, self.config_hash)
        if (
            category.problem is None
            or (folder / CATEGORY).exists()
            or folder.name not in categories_being_written(self.path)
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
        """Return the category of this id or name."""
        found = [category for category in self.categories if category.id == key]
        found = found or [category for category in self.categories if category.name == key]
        if len(found) != 1:
            names = [category.name for category in self.categories[:12]]
            what = "more than one category" if found else "no category"
            raise InputError(f"analysis {self.name!r} has {what} {key!r}; it has {', '.join(names) or 'none yet'}")
        return found[0]

    def clusters(self, key: str) -> npt.NDArray[Any]:
        """Return the cluster numbers of a category by its default clustering, -1 for noise; "index" has the rows."""
        category = self.category(key)
        return category.column(f"clustering.{category.evidence.default_clustering or 'kmeans'}")


def category_folders(analysis: AnyPath) -> list[AnyPath]:
    """List the finished categories: a folder appears whole; in an object store, category.json is written last.

    A folder that holds files but no category.json has lost it and is listed, too; an empty one is a stray.
    """
    if isinstance(analysis, RemotePath):
        return [file.parent for file in sorted(analysis.below(), key=str) if file.name == CATEGORY]
    return [entry for entry in sorted(analysis.iterdir()) if is_safe_name(entry.name) and _holds_something(entry)]


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is not None


def analysis_names(run: AnyPath) -> list[str]:
    return list_records(run / ANALYSES, ANALYSIS)


def open_analysis(run: AnyPath, name: str, *, one_target: bool = False, n_rows: int | None = None) -> Analysis:
    """Open an analysis; the arguments are fields of `Analysis`. Raises InputError if it does not exist."""
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
    """Return the advice for a damaged analysis."""
    return f"analyze again: {command('analyze', run, name=name)} with the same options"


def _read_head(path: AnyPath, name: str, one_target: bool, n_rows: int | None) -> Analysis:
    """Read analysis.json; BrokenRunError if it is damaged."""
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
        raise BrokenRunError(f"{path / ANALYSIS} was changed after it was written: its checksum does not match")
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
        raise BrokenRunError(
            f"{path / ANALYSIS} is damaged: its list of categories cannot be read ({error!r})"
        ) from error
