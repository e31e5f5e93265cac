"""Modalities of samples: images, series, texts or rows of a table."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, cast

Modality = Literal["image", "series", "text", "table"]

IMAGE: Final = "image"
SERIES: Final = "series"
TEXT: Final = "text"
TABLE: Final = "table"
MODALITIES = (IMAGE, SERIES, TEXT, TABLE)

DIMENSIONS = {SERIES: ("channel", "time"), TEXT: ("token",), TABLE: ("feature",)}
"""The names of the axes of one sample; those of images are the defaults of ArraySpec."""

INPUT_TYPES = {IMAGE: "uint8", SERIES: "float32", TEXT: "int32", TABLE: "float32"}
"""Stored types of inputs: images as pixels, series and tables as the model takes them, texts as ids of tokens."""

_BY_AXES: Mapping[int, Modality] = {1: TABLE, 2: SERIES}


def get_modality(stated: str | None, shape: Sequence[int]) -> Modality:
    """Return the stated modality, or else that of the shape: (F,) a table, (C, T) a series, others an image.

    >>> get_modality(None, (3, 32, 24)), get_modality(None, (1, 16000)), get_modality("text", (40,))
    ('image', 'series', 'text')
    """
    return _BY_AXES.get(len(shape), IMAGE) if stated is None else cast(Modality, stated)
