"""Analyses of a run: one folder per analysis and category, columns as .npy files, each category written as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy.typing as npt

from whyset.errors import BrokenRunError, InputError, WhysetError
from whyset.printable import printable
from whyset.store.boundary import load_array
from whyset.store.commit_digest import committed_data
from whyset.store.commits import checksum
from whyset.store.evidence import ClassEvidence, find_stranger, from_info, from_json, with_samples
from whyset.store.files import each
from whyset.store.jsonfile import JSON, json_checksum, read_json
from whyset.store.layout import ANALYSES, inside, is_safe_name, safe_name
from whyset.store.problems import Problem, error_text
from whyset.store.remote import AnyPath, RemotePath
from whyset.store.remote_errors import RemoteError
from whyset.store.summary_table import make_summary_table

ANALYSIS = "analysis.json"
CATEGORY = "category.json"
ANALYSIS_SCHEMA = "2.1"
"""Since 2.0 categories hold typed evidence and a checksum, and analysis.json lists them; 1.x is still read."""
READABLE = ("1", "2")
_REMEDY = "to compute the class again, delete the folder of its files and analyze again"
OUTDATED = "it was computed with another configuration of this analysis; analyze again"
OTHER_COMMITS = "it was computed from other commits of the run than the rest of this analysis; analyze again"
_SHOWN = 20
"""Classes in the table of an analysis."""
MISSING = "it is not finished, or its folder was removed; analyze again"


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
        return self.problem != MISSING

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
        if name == "index" and self.n_rows is not None:
            _require_rows(file, values, self.n_rows)
        return values

    def _require_checksum(self, file: AnyPath, found: str, expected: JSON) -> None:
        if found != expected:
            raise BrokenRunError(f"{file} is damaged: its CRC32 is {found}, {CATEGORY} has {expected}; {_REMEDY}")


def _require_rows(file: AnyPath, values: npt.NDArray[Any], n_rows: int) -> None:
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


@dataclass(frozen=True)
class Completeness:
    """Whether an analysis has all of its classes, and whether it is sealed and up to date.

    `n_classes` is None where the analysis does not list its classes, as before format 2.0. `unfinished` names the
    classes that are missing, damaged or outdated.
    """

    n_classes: int | None
    n_finished: int
    unfinished: tuple[str, ...]
    sealed: bool
    outdated: bool = False

    @property
    def q_withheld(self) -> str | None:
        """Why q-values are not given: they depend on the p-values of all classes."""
        if not self.unfinished:
            return None
        total = len(self.unfinished) + self.n_finished if self.n_classes is None else self.n_classes
        names = ", ".join(self.unfinished[:5]) + (", ..." if len(self.unfinished) > 5 else "")
        return (
            f"{self.n_finished} of {total} classes are finished (not: {names}); q-values are withheld until all are "
            "there"
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader should know, as sentences."""
        found = [self.q_withheld] if self.q_withheld else []
        if self.outdated:
            found.append("the analysis was computed from other commits than the run has now; analyze again")
        if not self.sealed:
            found.append("the analysis is not sealed, so changes of its files go unnoticed; analyze again to seal it")
        return tuple(f"{one[:1].upper()}{one[1:]}." for one in found)


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
        """Categories by id; one that is listed and not there comes with that problem."""
        found = {category.id: category for category in each(self.read, category_folders(self.path))}
        missing = (one for one in self.listed or () if one.id not in found)
        absent = (Category(self.path / one.id, one.id, one.name, ClassEvidence(), {}, MISSING) for one in missing)
        return sorted([*found.values(), *absent], key=lambda category: category.id)

    def read(self, folder: AnyPath) -> Category:
        """Read the category in a folder of this analysis; what is wrong with it becomes its `problem`."""
        category = read_category(folder, self.config_hash)
        if category.problem is not None:  # the name in a damaged file is not to be trusted
            names = {one.id: one.name for one in self.listed or ()}
            return replace(category, name=names.get(category.id, category.name))
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

    def check(self) -> Completeness:
        """Compare the categories with the list, and the commits with those of the run now."""
        listed = None if self.listed is None else {one.id for one in self.listed}
        counted = [category for category in self.categories if listed is None or category.id in listed]
        unfinished = tuple(category.name for category in counted if category.problem is not None)
        outdated = self.data is not None and self.data != committed_data(self.path.parent.parent)
        sealed = listed is not None
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
    """Finished categories: a folder appears whole; in an object store, category.json comes after all columns."""
    if isinstance(analysis, RemotePath):
        return [file.parent for file in sorted(analysis.below(), key=str) if file.name == CATEGORY]
    return [entry for entry in sorted(analysis.iterdir()) if is_safe_name(entry.name) and entry.is_dir()]


def analysis_names(run: AnyPath) -> list[str]:
    names = (entry.parent.name for entry in (run / ANALYSES).glob(f"*/{ANALYSIS}"))
    return sorted(filter(is_safe_name, names))


def open_analysis(run: AnyPath, name: str, *, one_target: bool = False, n_rows: int | None = None) -> Analysis:
    """Open an analysis; the fields are those of `Analysis`. InputError: there is none of this name."""
    path = run / ANALYSES / safe_name(name, "analysis")
    if not (path / ANALYSIS).is_file():
        names = analysis_names(run)
        raise InputError(f"{run} has no analysis {name!r}; it has {', '.join(names) if names else 'none yet'}")
    stored = read_json(path / ANALYSIS)
    major = str(stored.get("schema")).partition(".")[0]
    if major not in READABLE:
        raise InputError(f"{path} has the format version {stored.get('schema')}; this whyset reads {ANALYSIS_SCHEMA}")
    config = stored.get("config")
    if not isinstance(config, dict):
        raise BrokenRunError(f"{path / ANALYSIS} is damaged: it has no configuration")
    if (major != "1" or "checksum" in stored) and stored.get("checksum") != json_checksum(stored):
        raise BrokenRunError(f"{path / ANALYSIS} was changed after it was written: its checksum does not fit")
    data = stored.get("data")
    listed = _listed(path, stored.get("categories"))
    return Analysis(path, name, config, str(stored.get("config_hash")), listed, _text(data), one_target, n_rows)


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None


def _listed(path: AnyPath, stored: Any) -> tuple[ListedClass, ...] | None:
    if stored is None:
        return None
    try:
        return tuple(ListedClass(safe_name(one["id"], "category id"), str(one["name"])) for one in stored)
    except (KeyError, TypeError) as error:
        raise BrokenRunError(f"{path / ANALYSIS} is damaged: its list of categories: {error!r}") from error


def read_category(folder: AnyPath, config_hash: str | None = None) -> Category:
    """Read category.json; what is wrong with it becomes the `problem`, so that one cannot hide the others."""
    try:
        category = _parsed(folder, read_json(folder / CATEGORY))
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
    return reason if reason.startswith(str(file)) else f"{file} is damaged: {reason}"


def _parsed(folder: AnyPath, stored: dict[str, Any]) -> Category:
    """Give the category; one whose checksum does not fit is damaged, whatever it says."""
    sealed = "evidence" in stored
    if sealed and stored.get("checksum") != json_checksum(stored):
        raise BrokenRunError("it was changed after it was written: its checksum does not fit")
    if stored["id"] != folder.name and sealed:
        raise BrokenRunError(f"it belongs to the category {stored['id']!r}, not to this folder")
    if not isinstance(stored["name"], str) or not isinstance(stored["columns"], Mapping):
        raise BrokenRunError("'name' must be text and 'columns' an object")
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


def verify_analyses(run: AnyPath, n_rows: int) -> Iterator[Problem]:
    """What is wrong with the analyses of a run of so many rows."""
    entries: list[AnyPath] = sorted((run / ANALYSES).glob("*"), key=str)
    for entry in entries:
        if not entry.name.startswith(".") and not (entry / ANALYSIS).is_file():
            yield Problem("missing", f"{ANALYSES}/{entry.name}", f"without {ANALYSIS} it is not read; analyze again")
    for name in analysis_names(run):
        try:
            analysis = open_analysis(run, name, n_rows=n_rows)
        except RemoteError:
            raise
        except Exception as error:
            yield Problem("damaged", f"{ANALYSES}/{name}", error_text(error))
            continue
        for category in analysis.categories:
            yield from _verify_category(run, category)
        if analysis.check().outdated:
            message = "it was computed from other commits than the run has now; analyze again"
            yield Problem("outdated", f"{ANALYSES}/{name}", message)


def _verify_category(run: AnyPath, category: Category) -> Iterator[Problem]:
    where = inside(run, category.path)
    if category.problem:
        kinds: Mapping[str, Any] = {OUTDATED: "outdated", OTHER_COMMITS: "outdated", MISSING: "unfinished"}
        yield Problem(kinds.get(category.problem, "damaged"), where, category.problem)
    for name in category.columns:
        try:
            category.column(name)
        except RemoteError:
            raise
        except Exception as error:  # whatever is wrong with one file, the others are looked at, too
            yield Problem("damaged", f"{where}/{name}.npy", error_text(error))
