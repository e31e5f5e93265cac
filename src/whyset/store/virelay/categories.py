"""The categories of an analysis, in the layout that ViRelAy reads or in the one that it documents."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.store.foreign_hdf5 import Hdf5Group, read_attribute
from whyset.store.virelay.dataset import read_mark
from whyset.store.virelay.findings import ImportFindings, format_first
from whyset.store.virelay.hdf5 import Indices, finite_in_float32, is_group, names_in, read_file

NOISE = -1


@dataclass(frozen=True)
class FoundCategory:
    """One category as stored in its files; `index` holds samples of the data set.

    `eigenvalues` belong to the embeddings of these names; `given_clusters` is the requested number of clusters of a
    clustering, if stored; `first_shown` is the clustering and the embedding to show first, if `export_project` wrote
    the file.
    """

    name: str
    file: Path
    index: Indices
    embeddings: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    clusterings: Mapping[str, npt.NDArray[np.int32]] = field(default_factory=dict)
    eigenvalues: Mapping[str, npt.NDArray[np.floating]] = field(default_factory=dict)
    given_clusters: Mapping[str, int] = field(default_factory=dict)
    first_shown: Mapping[str, str] = field(default_factory=dict)


def read_categories(files: Sequence[Path], samples: int, findings: ImportFindings) -> list[FoundCategory]:
    """Read all categories of the files of one analysis; parts of one category in several files are merged."""
    found: dict[str, FoundCategory] = {}
    for file in files:
        for category in _categories(file, samples, findings):
            known = found.get(category.name)
            found[category.name] = category if known is None else _join(known, category, findings)
    _compare_names(list(found.values()), findings)
    return list(found.values())


def _categories(file: Path, samples: int, findings: ImportFindings) -> list[FoundCategory]:
    return read_file(file, findings, lambda source: list(_in_file(file, source, samples, findings))) or []


def _in_file(file: Path, source: Any, samples: int, findings: ImportFindings) -> Iterator[FoundCategory]:
    if not len(source):
        findings.error(file, "holds no category")
    for name in names_in(source):
        if not is_group(source[name]):
            findings.warn(file, f"{name} is not a group and is ignored: expected one group for each category")
        elif (category := _category(file, name, source[name], samples, findings)) is not None:
            yield category


def _category(file: Path, name: str, group: Any, samples: int, findings: ImportFindings) -> FoundCategory | None:
    reader = CategoryReader(file, name, group, findings)
    index = reader.index(samples)
    if index is None:
        return None
    embeddings, eigenvalues = reader.embeddings(len(index))
    clusterings, given = reader.clusterings(len(index))
    first_shown = read_mark(group)
    return FoundCategory(name, file, index, embeddings, clusterings, eigenvalues, given, first_shown)


@dataclass(frozen=True)
class CategoryReader:
    """Reads the group of one category; problems are recorded with their place."""

    file: Path
    name: str
    group: Hdf5Group
    findings: ImportFindings

    def index(self, samples: int) -> Indices | None:
        """Return the samples of the category; None if they cannot be read."""
        if "index" not in self.group or is_group(self.group["index"]):
            self._wrong("index is missing")
            return None
        values = self.group.whole(self.group["index"])
        if values.ndim != 1 or values.dtype.kind not in "iu":
            self._wrong(f"index is {values.dtype} of shape {values.shape}: expected whole numbers (n,)")
            return None
        outside = values[(values < 0) | (values >= samples)]
        if len(outside):
            self._wrong(f"index names {format_first(outside)}: the data set has the samples 0 to {samples - 1}")
            return None
        if len(np.unique(values)) < len(values):
            self._wrong(f"index names {len(values) - len(np.unique(values))} samples more than once")
        return values.astype(np.int64)

    def embeddings(self, size: int) -> tuple[dict[str, npt.NDArray[np.float32]], dict[str, npt.NDArray[np.floating]]]:
        """Return the embeddings and their eigenvalues."""
        found, eigenvalues = {}, {}
        for name, member in self._members("embedding"):
            values = self._values(f"embedding/{name}", member)
            if values is None:
                continue
            if values.ndim != 2 or len(values) != size or values.shape[1] < 1 or values.dtype.kind not in "iuf":
                self._wrong(f"embedding/{name} is {values.dtype} of shape {values.shape}: expected ({size}, d)")
            elif not finite_in_float32(values):
                bad = sum(not finite_in_float32(row) for row in values)
                self._wrong(f"embedding/{name} holds NaN or infinity in {bad} of {size} rows")
            else:
                found[name] = values.astype(np.float32)
            if (spectrum := self._eigenvalues(name, member)) is not None:
                eigenvalues[name] = spectrum
        if not found:
            self._wrong("no embedding was found")
        return found, eigenvalues

    def clusterings(self, size: int) -> tuple[dict[str, npt.NDArray[np.int32]], dict[str, int]]:
        """Return the clusterings and the requested number of clusters of each."""
        found, given = {}, {}
        for name, member in [*self._members("cluster"), *self._members("clustering")]:
            values = self._values(f"cluster/{name}", member)
            if values is None:
                continue
            labels = self._numbers(name, values, size)
            if labels is None:
                continue
            found[name] = labels
            if (k := _clusters_asked_for(member)) is not None:
                given[name] = k
        if not found:
            self._wrong("no clustering was found")
        return found, given

    def _members(self, name: str) -> Iterator[tuple[str, Any]]:
        members = self.group.get(name)
        if members is None:
            return
        if not is_group(members):
            self._wrong(f"{name} is not a group")
            return
        for key in names_in(members):
            yield key, members[key]

    def _values(self, place: str, member: Any) -> npt.NDArray[Any] | None:
        """Read the values of a dataset, or of the `root` of a group."""
        if not is_group(member):
            return self.group.whole(member)
        if "root" not in member or is_group(member["root"]):
            self._wrong(f"{place} is a group without root")
            return None
        return self.group.whole(member["root"])

    def _eigenvalues(self, name: str, member: Any) -> npt.NDArray[np.floating] | None:
        stored = read_attribute(member, "eigenvalue")
        if stored is None and is_group(member) and "eigenvalue" in member:
            stored = self.group.whole(member["eigenvalue"])
        if stored is None:
            return None
        values = np.asarray(stored)
        if values.ndim != 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            self._wrong(
                f"the eigenvalues of embedding/{name} are {values.dtype} of shape {values.shape}, or not finite"
            )
            return None
        return values if values.dtype.kind == "f" else values.astype(np.float64)

    def _numbers(self, name: str, values: npt.NDArray[Any], size: int) -> npt.NDArray[np.int32] | None:
        """Check cluster numbers. Unsigned integers cannot hold -1; their largest number stands for noise."""
        place = f"cluster/{name}"
        if values.shape != (size,) or values.dtype.kind not in "iu":
            self._wrong(f"{place} is {values.dtype} of shape {values.shape}: expected whole numbers ({size},)")
            return None
        wrapped = values == np.iinfo(values.dtype).max if values.dtype.kind == "u" else np.zeros(size, bool)
        if wrapped.any():
            largest = np.iinfo(values.dtype).max
            self.findings.warn(self.file, f"{self.name}: {place} holds {largest}, which is read as -1 (noise)")
        labels = np.where(wrapped, NOISE, values.astype(np.int64))
        outside = labels[(labels < NOISE) | (labels > size)]
        if len(outside):
            self._wrong(f"{place} holds {format_first(np.unique(outside))}: expected -1 (noise) or 0 to {size}")
            return None
        return labels.astype(np.int32)

    def _wrong(self, message: str) -> None:
        self.findings.error(self.file, f"{self.name}: {message}")


def _clusters_asked_for(member: Any) -> int | None:
    stored = read_attribute(member, "k")
    if stored is None and is_group(member) and "#clusters" in member:
        stored = member.whole(member["#clusters"])
    return (
        int(stored) if stored is not None and np.ndim(stored) == 0 and np.asarray(stored).dtype.kind in "iu" else None
    )


def _join(known: FoundCategory, more: FoundCategory, findings: ImportFindings) -> FoundCategory:
    """Merge two parts of a category, which must have the same samples and different embeddings and clusterings."""
    if not np.array_equal(known.index, more.index):
        findings.error(more.file, f"{more.name}: index differs from that in {known.file}")
        return known
    for what in ("embeddings", "clusterings"):
        twice = sorted(set(getattr(known, what)) & set(getattr(more, what)))
        if twice:
            findings.error(more.file, f"{more.name}: the {what} {format_first(twice)} are also in {known.file}")
    return replace(
        known,
        embeddings={**known.embeddings, **more.embeddings},
        clusterings={**known.clusterings, **more.clusterings},
        eigenvalues={**known.eigenvalues, **more.eigenvalues},
        given_clusters={**known.given_clusters, **more.given_clusters},
    )


def _compare_names(categories: Sequence[FoundCategory], findings: ImportFindings) -> None:
    """Warn of embeddings and clusterings that some categories lack: ViRelAy offers those of the first category."""
    for what in ("embeddings", "clusterings"):
        every = set().union(*(getattr(category, what) for category in categories))
        for category in categories:
            absent = sorted(every - set(getattr(category, what)))
            if absent and getattr(category, what):
                findings.warn(
                    category.file, f"{category.name}: has no {what} {format_first(absent)}, but other categories do"
                )
