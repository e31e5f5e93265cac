"""The samples of a project: a protocol, and the data set in an HDF5 file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from whyset.store.boundary import parse_json
from whyset.store.foreign_hdf5 import read_attribute
from whyset.store.virelay.findings import ImportFindings, format_first
from whyset.store.virelay.hdf5 import IMAGE_CHANNELS, Hdf5Rows, Images, Indices, is_group, read_file
from whyset.store.virelay.labels import read_labels
from whyset.store.virelay.value_range import ValueRange

MARK = "whyset"
"""The attribute in which `export_project` stores values that have no place in ViRelAy's format."""


def read_mark(group: Any) -> Any:
    """Read the values that `export_project` stored with a group."""
    text = read_attribute(group, MARK)
    return parse_json(text.encode()) if isinstance(text, str) else {}


class Dataset(Protocol):
    """The samples of a project."""

    @property
    def file(self) -> Path: ...
    @property
    def ids(self) -> list[str]: ...
    @property
    def uris(self) -> list[str]: ...
    @property
    def labels(self) -> Indices:
        """One per sample, -1 where unknown."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (C, H, W) of every image."""
        ...

    def pictures(self, rows: Indices) -> npt.NDArray[np.uint8]:
        """Read these samples as images, (n, C, H, W)."""
        ...

    def check(self, rows: Indices, findings: ImportFindings) -> None:
        """Read these samples once and record problems."""
        ...


@dataclass
class Hdf5Dataset:
    """Samples in an HDF5 file."""

    file: Path
    ids: list[str]
    uris: list[str]
    labels: Indices
    images: Images
    range: ValueRange

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape

    def pictures(self, rows: Indices) -> npt.NDArray[np.uint8]:
        return self.range.pictures(self.images.read(rows))

    def check(self, rows: Indices, findings: ImportFindings) -> None:
        """Do nothing: the whole file was read to find its range of values."""


def read_hdf5_dataset(file: Path, classes: int, findings: ImportFindings) -> Hdf5Dataset | None:
    """Read `data` and `label` of a file; None, with findings, if they are not images."""
    return read_file(file, findings, lambda source: _dataset(file, source, classes, findings))


def _dataset(file: Path, source: Any, classes: int, findings: ImportFindings) -> Hdf5Dataset | None:
    missing = [name for name in ("data", "label") if name not in source]
    for name in missing:
        findings.error(file, f"{name} is missing; the file has {format_first(source)}")
    if missing:
        return None
    data, label = (_in_order(Hdf5Rows.of(file, source[name]), source, findings) for name in ("data", "label"))
    labels = read_labels(label, classes, findings)
    if len(labels) != len(data):
        findings.error(file, f"label has {len(labels)} rows, data {len(data)}")
    _compare_names(data, label, findings)
    images = Images.of(data, findings)
    if images is None:
        return None
    if images.shape[0] not in IMAGE_CHANNELS:
        findings.error(file, f"data has {images.shape[0]} channels: expected 3, or 1 for gray images")
    channels = read_mark(source).get("channels")
    images = images if channels is None else images.first_channels(int(channels))
    keys = [str(key) for key in data.keys or range(len(data))]
    ids = [text.decode() for text in source.whole(source["whyset_id"])] if "whyset_id" in source else keys
    if len(ids) != len(keys) or len(set(ids)) < len(keys):
        findings.error(file, f"whyset_id has {len(set(ids))} different names for {len(keys)} samples")
    uris = [f"{file.resolve().as_uri()}#/data/{key}" for key in keys]
    return Hdf5Dataset(file, ids, uris, labels, images, ValueRange.of(images, source, findings))


def _in_order(rows: Hdf5Rows, source: Any, findings: ImportFindings) -> Hdf5Rows:
    """Put the members of a group into the order of the group `index`, if it exists."""
    index = source.get("index")
    if rows.keys is None or not is_group(index):
        return rows
    place = {key: int(source.whole(index[key])) for key in rows.keys if key in index}
    if sorted(place.values()) != list(range(len(rows))):
        findings.error(rows.file, f"index does not number the members of {rows.name.lstrip('/')} from 0")
        return rows
    return rows.order(tuple(sorted(rows.keys, key=place.__getitem__)))


def _compare_names(data: Hdf5Rows, label: Hdf5Rows, findings: ImportFindings) -> None:
    if data.keys is not None and label.keys is not None and data.keys != label.keys:
        strangers = sorted(set(data.keys) ^ set(label.keys))
        findings.error(data.file, f"data and label have different members: {format_first(strangers)}")
