"""Analyses of a run: one folder per analysis and category, columns as .npy files, each category written as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy.typing as npt

from whyset.errors import BrokenRunError, InputError
from whyset.store.boundary import load_array
from whyset.store.commits import checksum
from whyset.store.files import each
from whyset.store.jsonfile import JSON, read_json
from whyset.store.layout import ANALYSES, inside, is_safe_name, safe_name
from whyset.store.problems import Problem, error_text
from whyset.store.remote import AnyPath, RemotePath
from whyset.store.remote_errors import RemoteError

ANALYSIS = "analysis.json"
CATEGORY = "category.json"
ANALYSIS_SCHEMA = "1.1"
_REMEDY = "to compute the class again, delete the folder of its files and analyze again"
_OUTDATED = "it was computed with another configuration of this analysis; analyze again"


@dataclass(frozen=True)
class Category:
    """The results for one class. `problem` says why the category cannot be trusted, or is None."""

    path: AnyPath
    id: str
    name: str
    info: Mapping[str, JSON]
    described: Mapping[str, Mapping[str, JSON]]
    problem: str | None = None
    folder: str = ""
    """Where below `path` the columns lie."""
    verified: set[str] = field(default_factory=set, compare=False, repr=False)
    """Columns whose checksums were compared."""

    @property
    def columns(self) -> list[str]:
        return list(self.described)

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column, mapped from its file where that is local. BrokenRunError: it is damaged, by its checksum too."""
        if name not in self.described:
            raise InputError(f"category {self.name!r} has no column {name!r}; it has {self.columns}")
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
        return values

    def _require_checksum(self, file: AnyPath, found: str, expected: JSON) -> None:
        if found != expected:
            raise BrokenRunError(f"{file} is damaged: its CRC32 is {found}, {CATEGORY} has {expected}; {_REMEDY}")


@dataclass(frozen=True)
class Analysis:
    """An analysis: its configuration and its categories.

    >>> run.analysis("spray").category("horse").column("embedding.tsne")    # doctest: +SKIP
    """

    path: AnyPath
    name: str
    config: Mapping[str, JSON]
    config_hash: str

    @cached_property
    def categories(self) -> list[Category]:
        """Finished categories, by id."""
        return list(each(partial(read_category, config_hash=self.config_hash), category_folders(self.path)))

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
        return category.column(f"clustering.{category.info.get('default_clustering', 'kmeans')}")


def category_folders(analysis: AnyPath) -> list[AnyPath]:
    """Finished categories: a folder appears whole; in an object store, category.json comes after all columns."""
    if isinstance(analysis, RemotePath):
        return [file.parent for file in sorted(analysis.below(), key=str) if file.name == CATEGORY]
    return [entry for entry in sorted(analysis.iterdir()) if is_safe_name(entry.name) and entry.is_dir()]


def analysis_names(run: AnyPath) -> list[str]:
    names = (entry.parent.name for entry in (run / ANALYSES).glob(f"*/{ANALYSIS}"))
    return sorted(filter(is_safe_name, names))


def open_analysis(run: AnyPath, name: str) -> Analysis:
    path = run / ANALYSES / safe_name(name, "analysis")
    if not (path / ANALYSIS).is_file():
        names = analysis_names(run)
        raise InputError(f"{run} has no analysis {name!r}; it has {', '.join(names) if names else 'none yet'}")
    stored = read_json(path / ANALYSIS)
    if str(stored.get("schema")).partition(".")[0] != ANALYSIS_SCHEMA.partition(".")[0]:
        raise InputError(f"{path} has the format version {stored.get('schema')}; this whyset reads {ANALYSIS_SCHEMA}")
    config = stored.get("config")
    if not isinstance(config, dict):
        raise BrokenRunError(f"{path / ANALYSIS} is damaged: it has no configuration")
    return Analysis(path, name, config, str(stored.get("config_hash")))


def read_category(folder: AnyPath, config_hash: str | None = None) -> Category:
    """Read category.json; what is wrong with it becomes the `problem`, so that one cannot hide the others."""
    try:
        stored: dict[str, Any] = read_json(folder / CATEGORY)
        columns_in = safe_name(stored["folder"], "folder of columns") if "folder" in stored else ""
        category = Category(folder, stored["id"], stored["name"], stored["info"], stored["columns"], None, columns_in)
    except (BrokenRunError, InputError, KeyError) as error:
        return Category(folder, folder.name, folder.name, {}, {}, f"{folder / CATEGORY} is damaged: {error}")
    if config_hash is not None and stored.get("config_hash") != config_hash:
        return replace(category, problem=_OUTDATED)
    return category


def verify_analyses(run: AnyPath) -> Iterator[Problem]:
    for name in analysis_names(run):
        try:
            categories = open_analysis(run, name).categories
        except RemoteError:
            raise
        except Exception as error:
            yield Problem("damaged", f"{ANALYSES}/{name}", error_text(error))
            continue
        for category in categories:
            yield from _verify_category(run, category)


def _verify_category(run: AnyPath, category: Category) -> Iterator[Problem]:
    where = inside(run, category.path)
    if category.problem:
        yield Problem("outdated" if category.problem == _OUTDATED else "mismatch", where, category.problem)
    for name in category.columns:
        try:
            category.column(name)
        except RemoteError:
            raise
        except Exception as error:  # whatever is wrong with one file, the others are looked at, too
            yield Problem("damaged", f"{where}/{name}.npy", error_text(error))
