"""Data sets that are folders of image files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from whyset.store.boundary import MOST_NOTES, read_regular
from whyset.store.virelay.findings import ImportFindings, format_first
from whyset.store.virelay.hdf5 import Indices
from whyset.store.virelay.label_expression import LabelExpressionError, match_labels
from whyset.store.virelay.label_map import LabelMap
from whyset.store.virelay.project import DatasetEntry

PADDING: Mapping[str, dict[str, Any]] = {
    "fill_zeros": {"mode": "constant", "constant_values": 0},
    "fill_ones": {"mode": "constant", "constant_values": 255},
    "edge_repeat": {"mode": "edge"},
    "mirror_edge": {"mode": "reflect"},
    "wrap_around": {"mode": "wrap"},
}

Picture = npt.NDArray[np.uint8]
DEEP = ("I", "F")
"""Pillow's modes of more than 8 bits per channel, which it clips when it converts them to RGB."""
_MOST_DIGITS = 20
"""Python refuses to read numbers of thousands of digits."""


class DeepImageError(ValueError):
    """The image has more than 8 bits per channel: convert it first."""


@dataclass
class ImageDirectory:
    """Samples in image files, resized to the model's size when they are read."""

    file: Path
    files: list[Path]
    labels: Indices
    entry: DatasetEntry

    @property
    def ids(self) -> list[str]:
        return [_name_sample(file, self.file) for file in self.files]

    @property
    def uris(self) -> list[str]:
        return [file.absolute().as_uri() for file in self.files]

    @property
    def shape(self) -> tuple[int, ...]:
        assert self.entry.size is not None, "the project file of an image directory gives a size"
        return (3, *self.entry.size)

    def pictures(self, rows: Indices) -> npt.NDArray[np.uint8]:
        pictures = np.empty((len(rows), *self.shape), np.uint8)
        for place, row in enumerate(rows):
            pictures[place] = self._picture(self.files[row]).transpose(2, 0, 1)
        return pictures

    def check(self, rows: Indices, findings: ImportFindings) -> None:
        """Read these samples once and record files that are not images, or not of the model's size."""
        wrong: dict[str, list[Path]] = {}
        for row in rows:
            try:
                shape = self._picture(self.files[row]).shape[:2]
                problem = (
                    None
                    if shape == self.shape[1:]
                    else f"has the size {shape} after sampling: expected {self.shape[1:]}"
                )
            except Exception as error:  # Pillow raises many kinds for a damaged file
                problem = f"cannot be read as an image ({type(error).__name__})"
            if problem is not None:
                wrong.setdefault(problem, []).append(self.files[row])
        for problem, files in wrong.items():
            more = f", and so {len(files) - 1} more files" if len(files) > 1 else ""
            findings.error(files[0], f"{problem}{more}")

    def _picture(self, file: Path) -> npt.NDArray[np.uint8]:
        assert self.entry.size is not None, "the project file of an image directory gives a size"
        with Image.open(file) as image:
            if image.mode.startswith(DEEP):
                raise DeepImageError
            pixels = np.asarray(image.convert("RGB"))
        return fit(pixels, self.entry.size, self.entry.down_sampling, self.entry.up_sampling)


def read_image_directory(entry: DatasetEntry, label_map: LabelMap, findings: ImportFindings) -> ImageDirectory | None:
    """List the files and find their labels; None, with findings, if there are none."""
    try:
        files = _files(entry.path, findings)
    except (OSError, ValueError) as error:  # a path that no file can have
        findings.error(entry.path, f"cannot be listed: {error}")
        files = []
    expression = _expression(entry)
    if not files or expression is None:
        return None
    matched = _match(expression, files, entry, findings)
    if not matched:
        return None
    labels = np.full(len(files), -1, np.int64)
    unknown = []
    for place, (file, found) in enumerate(zip(files, matched, strict=True)):
        label = _label(found, entry, label_map)
        if label is None:
            unknown.append(_name_sample(file, entry.path))
        else:
            labels[place] = label
    if unknown:
        which = f"{len(unknown)} of {len(files)} files have no label of the label map by {expression!r}"
        findings.error(entry.path, f"{which}: {format_first(unknown)}")
    return ImageDirectory(entry.path, files, labels, entry)


def _files(folder: Path, findings: ImportFindings) -> list[Path]:
    """List the files in ViRelAy's order: those of `<folder>_paths.txt`, or all with a suffix; sorted."""
    listed = folder.with_name(f"{folder.name}_paths.txt")
    if listed.is_file():
        try:
            lines = [line for line in read_regular(listed, MOST_NOTES).decode().splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            findings.error(listed, f"cannot be read as a list of paths: {error}")
            return []
        files = sorted(_existing(folder, line) for line in lines)
        missing = [str(file) for file in files if not file.is_file()]
        if missing:
            findings.error(listed, f"{len(missing)} of {len(files)} files do not exist: {format_first(missing)}")
        return [] if missing else files
    if not folder.is_dir():
        findings.error(folder, "is not a folder; --map-path OLD=NEW replaces the beginning of paths")
        return []
    files = sorted(file for file in folder.glob("**/*.*") if file.is_file())
    if not files:
        findings.error(folder, "holds no files")
    return files


def _existing(folder: Path, line: str) -> Path:
    """Resolve a line, relative to the parent of the data set's folder or, in some files, to that folder."""
    path = folder.parent / line
    return path if path.is_file() or not (folder / line).is_file() else folder / line


def _expression(entry: DatasetEntry) -> str | None:
    """The expression of the project; that exactly one is there is checked when the project file is read."""
    return entry.index_regex if entry.index_regex is not None else entry.word_net_id_regex


def _match(expression: str, files: list[Path], entry: DatasetEntry, findings: ImportFindings) -> list[str | None]:
    """Match as ViRelAy does, from the beginning of the whole path; expressions for the path in the folder, too."""
    paths = [(file.absolute().as_posix(), _name_sample(file, entry.path)) for file in files]
    try:
        return match_labels(expression, paths)
    except LabelExpressionError as error:
        findings.error(findings.project, f"project.dataset: {expression!r} {error}")
        return []


def _label(found: str | None, entry: DatasetEntry, label_map: LabelMap) -> int | None:
    if found is None:
        return None
    if entry.index_regex is None:
        return label_map.index_of.get(found)
    return (
        int(found) if found.isdecimal() and len(found) <= _MOST_DIGITS and int(found) < len(label_map.names) else None
    )


def _name_sample(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.as_posix()


def fit(image: Picture, size: tuple[int, int], down_sampling: str, up_sampling: str) -> Picture:
    """Bring an image (H, W, C) to `size`: long sides by `down_sampling`, short ones by `up_sampling`.

    "none" leaves a side as it is. Cropping and padding keep the center; `fill_ones` means white.

    >>> fit(np.zeros((30, 10, 3), np.uint8), (12, 18), "center_crop", "fill_zeros").shape
    (12, 18, 3)
    """
    wanted = tuple(
        _resize_side(side, length, down_sampling, up_sampling)
        for side, length in zip(image.shape[:2], size, strict=True)
    )
    if wanted != image.shape[:2]:
        image = np.asarray(Image.fromarray(image).resize((wanted[1], wanted[0]), Image.Resampling.BILINEAR))
    for axis, length in enumerate(size):
        if image.shape[axis] > length and down_sampling == "center_crop":
            start = (image.shape[axis] - length) // 2
            image = image.take(range(start, start + length), axis=axis)
        elif image.shape[axis] < length and up_sampling in PADDING:
            image = _pad(image, axis, length - image.shape[axis], PADDING[up_sampling])
    return image


def _resize_side(side: int, length: int, down_sampling: str, up_sampling: str) -> int:
    method = down_sampling if side > length else up_sampling
    return length if method == "resize" else side


def _pad(image: Picture, axis: int, missing: int, how: Mapping[str, Any]) -> Picture:
    width = [(0, 0)] * image.ndim
    width[axis] = (missing // 2, missing - missing // 2)
    padded: Picture = np.pad(image, width, **how)
    return padded
