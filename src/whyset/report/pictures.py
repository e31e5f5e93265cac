"""Pictures of the HTML page: heatmaps and inputs as PNG data URIs, a contact sheet of inputs, charts of eigenvalues."""

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whyset.analysis.processors import AreaPooling
from whyset.image import colorize, overlay
from whyset.image.shapes import draw_sums, find_depths, input_planes, planes, to_rgb
from whyset.modality import MODALITIES, Modality, find_shown
from whyset.report.class_rows import ClassRow
from whyset.store import DONE, Analysis, Category, Run
from whyset.store.layout import STATUS

SAMPLES = 24
"""Inputs on a contact sheet."""
RELEVANCE = "attribution/input"
LONGEST = 112
"""Maximum pixels of the longer side; the browser enlarges smaller images."""

_FADED = 0.85
_EIGENVALUES = 16
_BAR_WIDTH, _BAR_HEIGHT, _BAR_STEP = 10, 48, 14
_WITHOUT_PLACES = ("Histogram", "FourierMagnitude")  # preprocessing whose values are not cells of a map


@dataclass(frozen=True)
class ReportHeatmaps:
    """Heatmaps of the clusters of one analysis; those of series, texts and tables are strips, and
    those of volumes the slices with the most absolute relevance.

    Parameters
    ----------
    run : Run
        The run that holds the relevance maps and the inputs.
    analysis : Analysis
        An analysis of the run, which holds the clusters.
    """

    run: Run
    analysis: Analysis

    @property
    def possible(self) -> bool:
        return self._kind is not None

    @property
    def _kind(self) -> Modality | None:
        return MODALITIES[self.run.modality] if find_shown(self.run.relevance.shape[1:]) else None

    @property
    def note(self) -> str:
        """A note on how relevance maps are drawn; empty for images."""
        if self._kind is not None and self._kind.inputs == "ids":
            return "the relevance of a word is its background color, on the scale of its text"
        return "" if self._kind is None or self._kind.thumbnail == "plane" else self._kind.drawing

    def mean_maps(self, category: Category) -> list[str]:
        """Return the mean heatmap of each cluster of the default clustering, each on its own scale."""
        maps = _column(category, "mean_map")
        if maps is None or self._kind is None or not self._kind.aligned:  # words at one position differ between texts
            return []
        return [make_uri(colorize(one)) for one in draw_sums(maps, self._kind)]

    def differences(self, category: Category) -> list[str]:
        """Return heatmaps of the difference between each cluster and the rest, faded if not significant.

        Empty if features are not cells of the relevance map.
        """
        means, masks = _column(category, "difference"), _column(category, "difference_mask")
        if self._kind is None or not self._kind.aligned:
            return []
        shape = self._get_pooled_shape() if self._kind.sums_channels else _lines(self.run)
        placed = (category.evidence.array or RELEVANCE) == RELEVANCE and not self._without_places()
        if means is None or masks is None or not placed or means.shape[1] != math.prod(shape):
            return []
        mean, mask = (part.reshape(len(part), *shape).astype(np.float64) for part in (means, masks))
        depths = find_depths(mean) if self._kind.thumbnail == "slice" else None
        drawn = [draw_sums(part, self._kind, depths) for part in (mean, mask)]
        return [make_uri(_fade(*pair)) for pair in zip(*drawn, strict=True)]

    def sample(self, index: int) -> tuple[str | None, str]:
        """Return the input (None if the run has none or the row is missing) and the heatmap of one sample."""
        inputs = self.run.inputs
        relevance = self.run.relevance[[index]]
        shown = None
        if inputs is not None and self._kind is not None and self._kind.inputs == "pixels":
            shown = make_uri(to_rgb(input_planes(np.asarray(inputs[[index]]), relevance)[0]))
        (length,) = list_lengths(self.run, [index])
        return shown, make_uri(colorize(planes(relevance)[0][:, :length]))

    def _fields(self) -> Mapping[str, Any]:
        pipeline = self.analysis.config.get("pipeline")
        fields: Any = pipeline.get("fields") if isinstance(pipeline, Mapping) else None
        return fields or {}

    def _without_places(self) -> bool:
        return any(part["name"] in _WITHOUT_PLACES for part in self._fields().get("preprocessing", ()))

    def _get_pooled_shape(self) -> tuple[int, ...]:
        longest = self._fields().get("pooling")
        sides = tuple(map(int, self.run.relevance.shape[2:]))
        return AreaPooling(longest).shape(*sides) if isinstance(longest, int) else sides


def list_lengths(run: Run, rows: Sequence[int] | NDArray[np.int64]) -> list[int | None]:
    """Return the number of positions to draw of each row: of texts, that of their words; None for all positions."""
    words = run.tokens(rows)
    return [None] * len(rows) if words is None else [len(text) or None for text in words]


def _column(category: Category, prefix: str) -> NDArray[Any] | None:
    name = f"{prefix}.{category.evidence.default_clustering}"
    return np.asarray(category.column(name)) if name in category.columns else None


def _lines(run: Run) -> tuple[int, int]:
    """Return the number of rows and positions of relevance maps of series and tables."""
    *lines, positions = run.relevance.shape[1:]
    return (lines[0] if lines else 1), positions


def _fade(mean: NDArray[np.float64], mask: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Color a map, with cells outside the mask faded to white."""
    color = colorize(mean)
    return overlay(color, np.full_like(color, 255), _FADED * (1.0 - mask))


def make_uri(picture: NDArray[np.uint8]) -> str:
    """Encode an image as a PNG data URI, its longer side at most `LONGEST` pixels."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    if max(image.size) > LONGEST:
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    written = BytesIO()
    image.save(written, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(written.getvalue()).decode()}"


@dataclass(frozen=True)
class StoredInput:
    """One stored input; `wrong`: label and prediction are known and differ."""

    id: str
    uri: str
    alt: str
    caption: str
    wrong: bool


def contact_sheet(run: Run, samples: int = SAMPLES) -> list[StoredInput]:
    """Return some inputs, spread evenly over the run; empty if the run does not store images or volumes."""
    if run.inputs is None or MODALITIES[run.modality].inputs != "pixels" or not find_shown(run.inputs.shape[1:]):
        return []
    each = run.config.targets_per_sample
    done = each * np.flatnonzero((run.column(STATUS) == DONE)[::each])
    rows = done[np.linspace(0, len(done) - 1, min(samples, len(done))).round().astype(np.int64)] if len(done) else done
    return [_read_input(run, int(row)) for row in rows]


def _read_input(run: Run, row: int) -> StoredInput:
    inputs = run.inputs
    assert inputs is not None  # `contact_sheet` has checked it
    shown = input_planes(np.asarray(inputs[[row]]), run.relevance[[row]])[0]
    label, prediction = int(run.labels[row]), int(run.array("prediction")[row])
    label_name, predicted_name = _name(run, label), _name(run, prediction)
    wrong = min(label, prediction) >= 0 and label != prediction
    caption = f"{label_name} → {predicted_name}" if wrong else label_name if label >= 0 else f"→ {predicted_name}"
    alt = f"Input of sample {row // run.config.targets_per_sample}, {run.ids[row]}"
    return StoredInput(run.ids[row], make_uri(to_rgb(shown)), alt, caption, wrong)


def _name(run: Run, number: int) -> str:
    if number < 0:
        return "unknown"
    return run.classes[number] if number < len(run.classes) else str(number)


@dataclass(frozen=True)
class EigenvalueBar:
    """A bar of the chart, in units of its box; `kind` is "kept" for eigenvalues that represent clusters."""

    kind: str
    x: int
    width: int
    y: str
    height: str


@dataclass(frozen=True)
class EigenvalueChart:
    """Eigenvalues between 0 and 1 as bars."""

    name: str
    box: str
    bars: tuple[EigenvalueBar, ...]
    caption: str = "leading eigenvalues, 0 to 1"


def draw_spectrum(category: Category, row: ClassRow) -> EigenvalueChart | None:
    """Draw the eigenvalues as bars, those that represent clusters darker; None if they are not stored."""
    if "eigenvalues" not in category.columns:
        return None
    values = np.clip(np.asarray(category.column("eigenvalues"))[:_EIGENVALUES], 0, 1).tolist()
    bars = tuple(
        EigenvalueBar(
            "kept" if place < (row.n_clusters or 0) else "rest",
            place * _BAR_STEP,
            _BAR_WIDTH,
            f"{_BAR_HEIGHT * (1 - value):.1f}",
            f"{_BAR_HEIGHT * value:.1f}",
        )
        for place, value in enumerate(values)
    )
    numbers = ", ".join(f"{value:.3f}" for value in values)
    return EigenvalueChart(
        f"Leading eigenvalues of class {row.name}: {numbers}", f"0 0 {len(values) * _BAR_STEP} {_BAR_HEIGHT}", bars
    )
