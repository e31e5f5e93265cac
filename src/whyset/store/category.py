"""One class of an analysis: category.json and columns as .npy files, written as a whole."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from whyset.errors import BrokenRunError, InputError, WhysetError
from whyset.printable import printable
from whyset.store.boundary import load_array
from whyset.store.commits import checksum
from whyset.store.evidence import ClassEvidence, from_info, from_json
from whyset.store.jsonfile import JSON, json_checksum, read_json
from whyset.store.layout import safe_name
from whyset.store.remote import AnyPath, RemotePath
from whyset.store.remote_errors import RemoteError
from whyset.store.summary_table import make_summary_table

CATEGORY = "category.json"
READABLE = ("1", "2")
REMEDY = "to compute the class again, delete the folder of its files and analyze again"
OUTDATED = "it was computed with another configuration of this analysis; analyze again"
MISSING = "it is not finished, or its folder was removed; analyze again"
BEING_WRITTEN = "it is being written: read it again later; if its writer was stopped, analyze again"
UNFINISHED = (MISSING, BEING_WRITTEN)


class ReplacedError(BrokenRunError):
    """A category was replaced while it was read: nothing is damaged, but the values read so far are outdated."""


@dataclass(frozen=True, repr=False)
class Category:
    """The results for one class. `problem` states why the category cannot be trusted, or is None.

    `sealed`: category.json carries a checksum over all of its content; those written before format 2.0 do not.
    """

    path: AnyPath
    id: str
    name: str
    evidence: ClassEvidence
    described: Mapping[str, Mapping[str, JSON]]
    problem: str | None = None
    folder: str = ""
    """The folder below `path` that holds the columns."""
    verified: set[str] = field(default_factory=set, compare=False, repr=False)
    """Columns whose checksums were verified."""
    sealed: bool = False
    data: str | None = None
    """Hash of the commits that the category was computed from."""
    config_hash: str | None = None
    n_rows: int | None = None
    """The number of rows of the run, None if unknown; the column "index" holds numbers of rows."""

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
        """False if the analysis lists the category but has no folder for it."""
        return self.problem not in UNFINISHED

    @property
    def columns(self) -> list[str]:
        return list(self.described)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Read a column; local files are memory-mapped.

        Raises BrokenRunError if it is damaged or its checksum does not match, and ReplacedError if the category was
        replaced since it was read.
        """
        if name not in self.described:
            raise InputError(f"category {self.name!r} has no column {name!r}; it has {self.columns}")
        try:
            return self._read_column(name)
        except RemoteError:
            raise
        except BrokenRunError as error:
            if self._was_replaced():
                message = f"{self.path} was replaced while it was read: open the analysis again"
                raise ReplacedError(message) from error
            raise

    def _read_column(self, name: str) -> npt.NDArray[Any]:
        file = self.path / self.folder / f"{name}.npy"
        try:
            values = load_array(file)
        except RemoteError:
            raise
        except (OSError, ValueError, EOFError, OverflowError, MemoryError, SyntaxError) as error:  # what NumPy raises
            raise BrokenRunError(f"{file} is damaged or missing: {error}; {REMEDY}") from error
        wanted = (self.described[name].get("dtype"), self.described[name].get("shape"))
        if (values.dtype.str, list(values.shape)) != wanted:
            raise BrokenRunError(
                f"{file} is damaged: expected {wanted[0]} {wanted[1]}, got {values.dtype.str} {list(values.shape)}; "
                f"{REMEDY}"
            )
        if name not in self.verified:
            self._require_checksum(file, checksum(values), self.described[name].get("crc32"))
            self.verified.add(name)
        if name == "index" and self.n_rows is not None:
            require_rows(file, values, self.n_rows)
        return values

    def _was_replaced(self) -> bool:
        """True if category.json describes other columns now, or is absent because the folder is being replaced."""
        now = read_category(self.path)
        if now.problem is not None:
            return self.path.name in categories_being_written(self.path.parent)
        return (now.folder, now.described) != (self.folder, self.described)

    def _require_checksum(self, file: AnyPath, found: str, expected: JSON) -> None:
        if found != expected:
            raise BrokenRunError(f"{file} is damaged: its CRC32 is {found}, {CATEGORY} has {expected}; {REMEDY}")


def require_rows(file: AnyPath, values: npt.NDArray[Any], n_rows: int) -> None:
    """Raise BrokenRunError unless these are rows of the run; a negative number would index another row."""
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise BrokenRunError(f"{file} is damaged: expected rows of the run, got {values.dtype} {values.shape}")
    if values.size and not 0 <= int(values.min()) <= int(values.max()) < n_rows:
        raise BrokenRunError(
            f"{file} is damaged: expected rows 0 to {n_rows - 1}, got {values.min()} to {values.max()}"
        )


def _format_or_unknown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"


def categories_being_written(analysis: AnyPath) -> Set[str]:
    """Find categories with temporary folders of a writer, `.<category>.<writer>.<partial or old>`."""
    if isinstance(analysis, RemotePath):  # an object appears whole
        return frozenset()
    names = (entry.name[1:] for ending in ("partial", "old") for entry in analysis.glob(f".*.*.{ending}"))
    return {name.rpartition(".")[0].rpartition(".")[0] for name in names}


def read_category(folder: AnyPath, config_hash: str | None = None) -> Category:
    """Read category.json; damage becomes the `problem`, so that one damaged category does not hide the others."""
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
    """Describe the damage of a file, naming the file once."""
    reason = str(error) if isinstance(error, WhysetError) else repr(error)
    message = reason if reason.startswith(str(file)) else f"{file} is damaged: {reason}"
    return f"{message}; analyze again"


def _parse_category(folder: AnyPath, stored: dict[str, Any]) -> Category:
    """Parse a category. The checksum is compared first: other fields of a damaged file may be valid and wrong."""
    sealed = "evidence" in stored
    if sealed and stored.get("checksum") != json_checksum(stored):
        raise BrokenRunError("it was changed after it was written: its checksum does not match")
    if stored["id"] != folder.name and sealed:
        raise BrokenRunError(f"expected the category {folder.name!r}, got {stored['id']!r}")
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
