"""Pictures for the page: maps and inputs of a run as PNG data, ready for an `img`."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whyset.analysis.processors import AreaPooling
from whyset.image import colorize, overlay
from whyset.store import Analysis, Category, Run

RELEVANCE = "attribution/input"
LONGEST = 112
"""Pixels of the longer side of a picture; larger ones are made smaller, smaller ones are enlarged by the browser."""

_FADED = 0.85
_WITHOUT_PLACES = ("Histogram", "FourierMagnitude")  # preprocessing whose values are no cells of a map


@dataclass(frozen=True)
class Pictures:
    """Pictures of the clusters of one analysis. A run that is not of images has none."""

    run: Run
    analysis: Analysis

    @property
    def possible(self) -> bool:
        return self.run.relevance.ndim == 4

    def mean_maps(self, category: Category) -> list[str]:
        """Give the mean map of each cluster of the default clustering, each on its own scale."""
        maps = _column(category, "mean_map")
        return [] if maps is None else [_uri(colorize(one)) for one in maps]

    def differences(self, category: Category) -> list[str]:
        """Give where each cluster differs from the rest: what is not significant is faded; none where features have no
        place in the map.
        """
        means, masks = _column(category, "difference"), _column(category, "difference_mask")
        shape = self._pooled_shape()
        placed = category.info.get("of", RELEVANCE) == RELEVANCE and not self._without_places()
        if means is None or masks is None or not placed or means.shape[1] != shape[0] * shape[1]:
            return []
        white = np.full((*shape, 3), 255, np.uint8)
        return [
            _uri(overlay(colorize(mean.reshape(shape)), white, _FADED * (1.0 - mask.reshape(shape))))
            for mean, mask in zip(means, masks, strict=True)
        ]

    def sample(self, index: int) -> tuple[str | None, str]:
        """Give input (None where the run has none, or the row is not there) and map of one sample."""
        stored = None if self.run.inputs is None else np.asarray(self.run.inputs[index])
        shown = None if stored is None or stored.shape[0] not in (1, 3) else _uri(_rgb(stored))
        return shown, _uri(colorize(self.run.relevance[index]))

    def _fields(self) -> Mapping[str, Any]:
        pipeline = self.analysis.config.get("pipeline")
        fields: Any = pipeline.get("fields") if isinstance(pipeline, Mapping) else None
        return fields or {}

    def _without_places(self) -> bool:
        return any(part["name"] in _WITHOUT_PLACES for part in self._fields().get("preprocessing", ()))

    def _pooled_shape(self) -> tuple[int, int]:
        longest = self._fields().get("pooling")
        height, width = map(int, self.run.relevance.shape[-2:])
        pooled = AreaPooling(longest).shape(height, width) if isinstance(longest, int) else (height, width)
        return pooled[0], pooled[1]


def _column(category: Category, prefix: str) -> NDArray[Any] | None:
    name = f"{prefix}.{category.info.get('default_clustering')}"
    return np.asarray(category.column(name)) if name in category.columns else None


def _rgb(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.broadcast_to(stored, (3, *stored.shape[1:])).transpose(1, 2, 0)


def _uri(picture: NDArray[np.uint8]) -> str:
    image = Image.fromarray(np.ascontiguousarray(picture))
    if max(image.size) > LONGEST:
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    written = BytesIO()
    image.save(written, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(written.getvalue()).decode()}"
