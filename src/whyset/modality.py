"""Modalities of samples: one object for each, which all packages read, and the table of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Inputs = Literal["pixels", "values", "ids"]
Resampling = Literal["area", "extremes", "none"]
Thumbnail = Literal["plane", "slice", "strip"]

_DTYPES: Mapping[Inputs, str] = {"pixels": "uint8", "values": "float32", "ids": "int32"}


@dataclass(frozen=True)
class Modality:
    """What all samples of one kind have in common, and how their relevance maps are reduced, stored and shown.

    A modality is added by an object of this class in `MODALITIES`, and by one in `web/src/modality/registry.ts`, which
    draws its samples in the browser.

    Parameters
    ----------
    name : str
        The name in run.json, in Python and on the command line.
    plural : str
        The name of several samples, in messages.
    axes : tuple of str
        The names of the axes of one sample. Samples with more than one axis have channels on the first.
    inputs : {"pixels", "values", "ids"}
        Inputs are stored in eight bits from black to white, as the model takes them (float32), or as ids (int32).
    resampling : {"area", "extremes", "none"}
        Large maps are reduced for display by the mean of an area, or by the smallest and largest value of each part of
        the last axis, or not at all; then exact numbers are shown.
    thumbnail : {"plane", "slice", "strip"}
        The picture of a map: its channel sum, the slice of its channel sum with the most absolute relevance, or a strip
        with a row for each channel.
    drawing : str
        Description of the thumbnails in reports.
    channels_last : bool, default False
        Whether given samples may have their channels on the last axis.
    aligned : bool, default True
        Whether a position means the same in all samples, so that maps can be averaged.
    timed : bool, default False
        Whether the last axis is time, which a rate measures in seconds.

    Examples
    --------
    >>> MODALITIES["volume"].form, MODALITIES["volume"].dtype
    ('(C, D, H, W)', 'uint8')
    """

    name: str
    plural: str
    axes: tuple[str, ...]
    inputs: Inputs
    resampling: Resampling
    thumbnail: Thumbnail
    drawing: str
    channels_last: bool = False
    aligned: bool = True
    timed: bool = False

    @property
    def form(self) -> str:
        """The initials of the axes: (C, H, W)."""
        letters = [name[0].upper() for name in self.axes]
        return f"({letters[0]},)" if len(letters) == 1 else f"({', '.join(letters)})"

    @property
    def dtype(self) -> str:
        """The stored type of inputs."""
        return _DTYPES[self.inputs]

    @property
    def has_channels(self) -> bool:
        return len(self.axes) > 1

    @property
    def sums_channels(self) -> bool:
        """True if relevance is summed over channels before it is shown; otherwise each channel is shown."""
        return self.thumbnail != "strip"

    @property
    def is_floating(self) -> bool:
        """True if the model takes floating point numbers."""
        return self.inputs != "ids"


IMAGE: Final = "image"
SERIES: Final = "series"
TEXT: Final = "text"
TABLE: Final = "table"
VOLUME: Final = "volume"

_STRIP = "heatmaps of texts and tables are strips, positions from left to right; inputs are not drawn"

MODALITIES: Mapping[str, Modality] = {
    modality.name: modality
    for modality in (
        Modality(
            IMAGE,
            "images",
            ("channel", "height", "width"),
            inputs="pixels",
            resampling="area",
            thumbnail="plane",
            drawing="relevance maps are summed over channels",
            channels_last=True,
        ),
        Modality(
            SERIES,
            "series",
            ("channel", "time"),
            inputs="values",
            resampling="extremes",
            thumbnail="strip",
            drawing="heatmaps of series are strips with a row for each channel, time from left to right; inputs are "
            "not drawn",
            timed=True,
        ),
        Modality(
            TEXT,
            "texts",
            ("token",),
            inputs="ids",
            resampling="none",
            thumbnail="strip",
            drawing=_STRIP,
            aligned=False,
        ),
        Modality(TABLE, "tables", ("feature",), inputs="values", resampling="none", thumbnail="strip", drawing=_STRIP),
        Modality(
            VOLUME,
            "volumes",
            ("channel", "depth", "height", "width"),
            inputs="pixels",
            resampling="area",
            thumbnail="slice",
            drawing="heatmaps of volumes are slices (H, W), each that with the most absolute relevance; relevance is "
            "summed over channels",
        ),
    )
}
"""The modalities by name."""

_BY_AXES: Mapping[int, str] = {
    len(modality.axes): name for name, modality in MODALITIES.items() if modality.is_floating
}


def infer_modality(shape: Sequence[int]) -> str:
    """Return the name of the modality of floats of this shape, without the axis of samples.

    >>> [infer_modality(shape) for shape in ((7,), (1, 16000), (3, 32, 24), (1, 16, 32, 24))]
    ['table', 'series', 'image', 'volume']
    """
    return _BY_AXES.get(len(shape), IMAGE)


def find_shown(shape: Sequence[int]) -> Modality | None:
    """Find how a map of this shape, without the axis of samples, is shown; None if no modality has its axes."""
    kind = MODALITIES[infer_modality(shape)]
    return kind if len(kind.axes) == len(shape) else None
