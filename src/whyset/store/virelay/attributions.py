"""The attributions of a project, from all of its files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.store.virelay.dataset import read_mark
from whyset.store.virelay.findings import ImportFindings, format_first
from whyset.store.virelay.hdf5 import Hdf5Rows, Images, Indices, finite_in_float32, is_group, read_file
from whyset.store.virelay.labels import read_labels
from whyset.store.virelay.predictions import Predictions, confidence_is

NEEDED = ("attribution", "label", "prediction")


@dataclass(frozen=True)
class AttributionSource:
    """One file of attributions: the sample, label and prediction of each row.

    `exact` and `stated` are written by `export_project` in addition to ViRelAy's data: target, prediction and
    confidence of every row, and values common to all.
    """

    images: Images
    samples: Indices
    indexed: bool
    labels: Indices
    predictions: Predictions
    exact: Mapping[str, npt.NDArray[Any]] | None
    stated: Mapping[str, Any]

    @property
    def file(self) -> Path:
        return self.images.rows.file


@dataclass(frozen=True)
class Attributions:
    """All attributions in the order of their samples: row r is row `place[r]` of `sources[source[r]]`."""

    sources: tuple[AttributionSource, ...]
    source: Indices
    place: Indices
    samples: Indices
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.samples)

    def maps(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Read the relevance of some rows, float32 (n, C, H, W)."""
        maps = np.zeros((stop - start, *self.shape), np.float32)
        for number, source in enumerate(self.sources):
            mine = np.flatnonzero(self.source[start:stop] == number)
            if len(mine):
                read = source.images.read(self.place[start:stop][mine])
                height, width = read.shape[2:]
                maps[mine, :, :height, :width] = read
        return maps

    def gather(self, columns: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Bring a column of each source into the order of the rows."""
        first = np.cumsum([0, *(len(column) for column in columns[:-1])])
        ordered: npt.NDArray[Any] = np.concatenate(columns)[first[self.source] + self.place]
        return ordered

    def labels(self) -> Indices:
        """Return the output that each row explains, -1 where unknown."""
        return self.gather([source.labels for source in self.sources])

    def get_common_value(self, name: str) -> Any:
        """Return the value that all files state, or None if they differ."""
        found = [source.stated.get(name) for source in self.sources]
        return found[0] if all(value == found[0] for value in found) else None

    def decide_predictions(self) -> tuple[dict[str, npt.NDArray[Any]], str]:
        """Return prediction, confidence (and the target if stated) of every row, and the origin of the confidence."""
        exact = [source.exact for source in self.sources if source.exact is not None]
        if len(exact) == len(self.sources):
            return {name: self.gather([found[name] for found in exact]) for name in exact[0]}, "as given"
        predictions = [source.predictions for source in self.sources]
        how = confidence_is(predictions)
        confidences = [part.largest if how == "as given" else part.softmax for part in predictions]
        columns = {"prediction": self.gather([part.prediction for part in predictions])}
        return columns | {"confidence": self.gather(confidences)}, how


EXACT = {"whyset_target": "target", "whyset_prediction": "prediction", "whyset_confidence": "confidence"}
"""Data that `export_project` adds to ViRelAy's, and its columns in a run."""


def read_attributions(
    files: Sequence[Path], samples: int, classes: int, findings: ImportFindings
) -> Attributions | None:
    """Read all files without the maps; None, with findings, if no file is usable."""
    sources = [source for file in files if (source := _source(file, samples, classes, findings)) is not None]
    if not sources:
        return None
    _compare(sources, findings)
    explained = np.concatenate([source.samples for source in sources])
    number = np.repeat(np.arange(len(sources)), [len(source.samples) for source in sources])
    place = np.concatenate([np.arange(len(source.samples)) for source in sources])
    _refuse_twice(explained, number, sources, findings)
    order = np.argsort(explained, kind="stable")
    shape = tuple(max(sides) for sides in zip(*(source.images.shape for source in sources), strict=True))
    return Attributions(tuple(sources), number[order], place[order], explained[order], shape)


def check_values(sources: Sequence[AttributionSource], findings: ImportFindings) -> None:
    """Read all maps once and record those that are not finite."""
    for source in sources:
        bad = read_file(source.file, findings, partial(_not_finite, source.images)) or []
        if bad:
            found = f"attribution holds NaN or infinity in {len(bad)} of {len(source.samples)} rows"
            findings.error(source.file, f"{found}: of the samples {format_first(source.samples[bad])}")


def _not_finite(images: Images, opened: Any) -> list[int]:
    """Return the rows with values that are not finite in float32."""
    return [
        int(row)
        for rows, block in images.rows.blocks(opened)
        for row, values in zip(rows, block, strict=True)
        if not finite_in_float32(values)
    ]


def _source(file: Path, samples: int, classes: int, findings: ImportFindings) -> AttributionSource | None:
    return read_file(file, findings, lambda opened: _open_source(file, opened, samples, classes, findings))


def _open_source(
    file: Path, opened: Any, samples: int, classes: int, findings: ImportFindings
) -> AttributionSource | None:
    missing = [name for name in NEEDED if name not in opened]
    for name in missing:
        findings.error(file, f"{name} is missing; the file has {format_first(opened)}")
    if missing:
        return None
    rows, label, prediction = (Hdf5Rows.of(file, opened[name]) for name in NEEDED)
    for other in (label, prediction):
        if len(other) != len(rows):
            findings.error(file, f"{other.name.lstrip('/')} has {len(other)} rows, attribution {len(rows)}")
    index = _samples(file, opened, rows, samples, findings)
    labels, predictions = read_labels(label, classes, findings), _predictions(prediction, opened, classes, findings)
    images = Images.of(rows, findings)
    if images is None or predictions is None or {len(index), len(labels), len(prediction)} != {len(rows)}:
        return None
    stated = read_mark(opened)
    whole = all(name in opened and opened[name].shape == (len(rows),) for name in EXACT)
    exact = {column: opened.whole(opened[name]) for name, column in EXACT.items()} if stated and whole else None
    if "channels" in stated:
        images = images.first_channels(int(stated["channels"]))
    return AttributionSource(images, index, "index" in opened, labels, predictions, exact, stated)


def _samples(file: Path, opened: Any, rows: Hdf5Rows, samples: int, findings: ImportFindings) -> Indices:
    """Return the sample that each row explains; without an index, row i explains sample i."""
    index = opened.get("index")
    if index is None:
        found = np.arange(len(rows))
    elif is_group(index):
        found = np.array([index.whole(index[key]) for key in rows.keys or sorted(index) if key in index]).reshape(-1)
    else:
        found = opened.whole(index).reshape(-1)
    if len(found) != len(rows):
        findings.error(file, f"index has {len(found)} rows, attribution {len(rows)}")
    if found.dtype.kind not in "iu":
        findings.error(file, f"index holds {found.dtype}: expected whole numbers")
        return np.zeros(len(found), np.int64)
    outside = found[(found < 0) | (found >= samples)]
    if len(outside):
        findings.error(file, f"index names {format_first(outside)}: the data set has the samples 0 to {samples - 1}")
    return np.where((found < 0) | (found >= samples), 0, found).astype(np.int64)


def _predictions(rows: Hdf5Rows, opened: Any, classes: int, findings: ImportFindings) -> Predictions | None:
    widths = {math.prod(shape) for shape in rows.row_shapes}
    if len(widths) != 1 or widths == {0} or not len(rows) or rows.dtype.kind not in "iuf":
        stored = f"prediction has {len(rows)} rows of {format_first(sorted(widths))} values of {rows.dtype}"
        findings.error(rows.file, f"{stored}: expected (M, {classes}) numbers")
        return None
    (width,) = widths
    if width != classes:
        findings.error(rows.file, f"prediction has {width} outputs, the label map {classes}")
    found = Predictions.of(np.array(block).reshape(-1, width) for _, block in rows.blocks(opened))
    if found.bad:
        findings.error(rows.file, f"prediction holds NaN or infinity in {found.bad} of {len(rows)} rows")
    return found


def _compare(sources: Sequence[AttributionSource], findings: ImportFindings) -> None:
    """Require the same number of channels in all files; smaller maps are padded."""
    first = sources[0]
    for source in sources[1:]:
        if source.images.shape[0] != first.images.shape[0]:
            found = f"attribution has {source.images.shape[0]} channels"
            findings.error(source.file, f"{found}, {first.file} {first.images.shape[0]}")
        elif source.images.shape != first.images.shape:
            found = f"attribution has the size {source.images.shape[1:]}, {first.file} {first.images.shape[1:]}"
            findings.warn(source.file, f"{found}; smaller ones are padded with zeros at the bottom and the right")


def _refuse_twice(
    explained: Indices, number: Indices, sources: Sequence[AttributionSource], findings: ImportFindings
) -> None:
    values, counts = np.unique(explained, return_counts=True)
    twice = values[counts > 1]
    if not len(twice):
        return
    for place in np.unique(number[np.isin(explained, twice)]):
        mine = np.intersect1d(explained[number == place], twice)
        found = f"{len(mine)} samples are explained more than once, here or in another file"
        findings.error(sources[place].file, f"{found}: {format_first(mine)}")
