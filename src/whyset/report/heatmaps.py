"""Heatmaps of a run as files: one image per sample, and montages with a row per run and color map."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whyset.errors import InputError
from whyset.image import colorize, compute_scale, figure, find_color_map, grid
from whyset.image.shapes import find_depths, input_planes, planes, sum_channels, to_rgb
from whyset.modality import MODALITIES, Modality, find_shown
from whyset.report.pictures import list_lengths
from whyset.store import DONE, LazyArray, Run

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]|^\.+")
_TAKEN = re.compile(r"(montage-\d+|con|nul|aux|prn|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names of montages, and of devices on Windows."""

_LONGEST = 200
"""Maximum characters of a name; file systems allow 255 bytes."""


@dataclass(frozen=True)
class Heatmaps:
    """Settings for writing heatmaps.

    Heatmaps of series, texts and tables are strips, without inputs, and those of volumes are slices (see
    `describe_drawing`): in all runs the slice with the most absolute relevance in the first one.

    Parameters
    ----------
    color_maps : tuple of str, default ("bwr",)
        Color maps, each a name or a definition (see `whyset.image.find_color_map`); every explanation has a heatmap in
        each.
    together : bool, default False
        Whether all heatmaps of a run have one scale instead of one each.
    side : int, optional
        The longer side of a heatmap in pixels, by default that of the relevance map.
    columns : int, default 8
        The number of explanations in a montage; 0 writes no montages.
    montage : {"png", "svg", "pdf"}, default "png"
        Format of the montages.

    Raises
    ------
    InputError
        A color map is unknown, `color_maps` is empty, `columns` is negative, `side` is below 1, or the format of the
        montages is unknown.
    """

    color_maps: tuple[str, ...] = ("bwr",)
    together: bool = False
    side: int | None = None
    columns: int = 8
    montage: str = "png"

    def __post_init__(self) -> None:
        for name in self.color_maps:
            find_color_map(name)
        if not self.color_maps or self.columns < 0 or (self.side is not None and self.side < 1):
            raise InputError(f"heatmaps: expected a color map, columns >= 0 and side >= 1, got {self}")
        if self.montage not in ("png", "svg", "pdf"):
            raise InputError(f"montage: expected png, svg or pdf, got {self.montage!r}")

    def write(self, runs: Sequence[Run], folder: Path, rows: Sequence[int] | None = None) -> Iterator[Path]:
        """Write heatmaps of rows of a run, and yield the path of each file.

        Each run is a row of the montages, so all must hold the same samples; the inputs, and the slices of volumes, are
        those of the first run.

        Parameters
        ----------
        runs : sequence of Run
            The runs, at least one.
        folder : Path
            The folder of the files.
        rows : sequence of int, optional
            Rows of the first run, by default all explained ones.

        Yields
        ------
        Path
            The path of each file that was written.

        Raises
        ------
        InputError
            A run lacks one of the samples, a row is not explained, or the relevance maps cannot be drawn.
        MissingExtraError
            Montages are written, and matplotlib is not installed.
        """
        runs = [run.thoroughly() for run in runs]
        chosen = _choose_rows(runs[0], rows)
        places = [chosen, *(_same_samples(runs[0], other, chosen) for other in runs[1:])]
        kind, *_ = [_require_drawn(run) for run in runs]
        images = _get_pixels(runs[0], kind)
        titles = [f"{name} {color_map}".strip() for name in _names(runs) for color_map in self._list_names()]
        columns = self.columns or 8
        names = _file_names(runs[0], chosen)
        scales = [self._scale(run, place) for run, place in zip(runs, places, strict=True)]
        for start in range(0, len(chosen), columns):
            part = slice(start, start + columns)
            first = runs[0].relevance[chosen[part]]
            inputs = None if images is None else input_planes(np.asarray(images[chosen[part]]), first)
            # Slices of the first run for all: heatmaps of one sample can then be compared.
            depths = find_depths(sum_channels(first)) if kind.thumbnail == "slice" else None
            maps = [
                (planes(run.relevance[place[part]], depths), scale)
                for run, place, scale in zip(runs, places, scales, strict=True)
            ]
            lengths = list_lengths(runs[0], chosen[part])
            for at, name in enumerate(names[part]):
                heatmaps = [(rows[at][:, : lengths[at]], scale) for rows, scale in maps]
                strip = self._strip(None if inputs is None else inputs[at], heatmaps)
                yield _save(strip, folder / f"{name}.png")
            if self.columns:
                yield self._montage(folder / f"montage-{start // columns:04d}", inputs, maps, titles, names[part])

    def _list_names(self) -> Sequence[str]:
        return self.color_maps if len(self.color_maps) > 1 else [""]

    def _scale(self, run: Run, rows: NDArray[np.int64]) -> float | None:
        """Return the relevance of the full color for all heatmaps of a run; None if each has its own scale."""
        if not self.together:
            return None
        blocks = (rows[start : start + 256] for start in range(0, len(rows), 256))
        return max(compute_scale(sum_channels(run.relevance[block])) for block in blocks)

    def _strip(self, picture: NDArray[Any] | None, maps: Sequence[tuple[NDArray[Any], float | None]]) -> Image.Image:
        """Draw the input of a sample, if stored, and a heatmap for each run and color map, side by side."""
        colored = [colorize(one, name, scale) for one, scale in maps for name in self.color_maps]
        shown = [self._resize(part) for part in ([] if picture is None else [to_rgb(picture)]) + colored]
        return Image.fromarray(grid(shown, len(shown)))

    def _resize(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.side is None:
            return picture
        height, width = picture.shape[:2]
        factor = self.side / max(height, width)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.NEAREST))

    def _montage(
        self,
        stem: Path,
        inputs: NDArray[Any] | None,
        maps: Sequence[tuple[NDArray[Any], float | None]],
        titles: Sequence[str],
        names: Sequence[str],
    ) -> Path:
        top = [] if inputs is None else [[to_rgb(picture) for picture in inputs]]
        drawn = figure(
            top + [list(rows) for rows, _ in maps for _ in self.color_maps],
            color_map=[self.color_maps[0]] * len(top) + [name for _ in maps for name in self.color_maps],
            scales=[None] * len(top) + [scale for _, scale in maps for _ in self.color_maps],
            row_titles=["input"] * len(top) + list(titles),
            column_titles=[PurePosixPath(name).name[:24] for name in names],
        )
        path = stem.with_suffix(f".{self.montage}")
        drawn.savefig(path, dpi=150)
        return path


def _choose_rows(run: Run, rows: Sequence[int] | None) -> NDArray[np.int64]:
    done = run.column("status") == DONE
    chosen = np.flatnonzero(done) if rows is None else np.asarray(rows, np.int64)
    outside = chosen[(chosen < 0) | (chosen >= len(run))]
    if len(outside):
        raise InputError(f"{run.path} does not have row {outside[0]}: expected 0 to {len(run) - 1}")
    missing = chosen[~done[chosen]]
    if len(missing) or not len(chosen):
        which = f"row {missing[0]} of {run.path} is" if len(missing) else f"no row of {run.path} is"
        raise InputError(f"{which} not explained: heatmaps need explained rows")
    return chosen


def _same_samples(first: Run, other: Run, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of another run with the same samples."""
    place = {identity: row for row, identity in reversed(list(enumerate(other.samples["id"].to_pylist())))}
    wanted = first.samples["id"].take(rows).to_pylist()
    missing = [identity for identity in wanted if identity not in place]
    if missing:
        raise InputError(f"{other.path} lacks {len(missing)} of {len(wanted)} samples, the first is {missing[0]!r}")
    return _choose_rows(other, [place[identity] for identity in wanted])


def _names(runs: Sequence[Run]) -> list[str]:
    """Return the name of each run: its composite or method, or its folder if another run has the same one."""
    methods = [run.config.method for run in runs]
    return [name if methods.count(name) == 1 else run.path.name for run, name in zip(runs, methods, strict=True)]


def _file_names(run: Run, rows: NDArray[np.int64]) -> list[str]:
    """Return a relative path for every row from the sample's id, with unsafe characters replaced."""
    names: dict[str, int] = {}
    for row, identity in zip(rows.tolist(), run.samples["id"].take(rows).to_pylist(), strict=True):
        path = PurePosixPath(identity)
        parts = [_file_name(part) for part in path.with_suffix("").parts] if path.name else ["_"]
        name = "/".join(parts)
        while name in names:
            name = f"{name}.{row}"
        names[name] = row
    return list(names)


def _file_name(part: str) -> str:
    name = _UNSAFE.sub("_", part)[:_LONGEST]
    return f"_{name}" if _TAKEN.match(name) else name


def describe_drawing(run: Run) -> str:
    """Describe how the relevance maps of a run are drawn; InputError if they cannot be drawn."""
    return _require_drawn(run).drawing


def _require_drawn(run: Run) -> Modality:
    shape = run.relevance.shape[1:]
    kind = find_shown(shape)
    if kind is None:
        expected = ", ".join(each.plural for each in MODALITIES.values())
        raise InputError(f"{run.path} has relevance maps {shape}: expected those of {expected}")
    return kind


def _get_pixels(run: Run, kind: Modality) -> LazyArray | None:
    """Return the inputs if they are images or volumes."""
    return run.inputs if kind.inputs == "pixels" else None


def _save(picture: Image.Image, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path
