"""Samples that lie in memory as arrays."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from whyset.errors import InputError
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.sources.shown import shown_by
from whyset.runner.sources.source import UNKNOWN, known


class ArraySource:
    """Float inputs (N, C, H, W) as the model takes them, or uint8 images (N, H, W[, C]) with a `preprocessing`.

    >>> source = ArraySource(np.zeros((2, 1, 8, 6), np.float32), labels=[0, 1])
    >>> source[1][0].shape, source[1][1]
    (torch.Size([1, 8, 6]), 1)
    """

    def __init__(
        self,
        images: Any,
        labels: Any = None,
        *,
        ids: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        preprocessing: Preprocessing | None = None,
    ) -> None:
        self.images = _images(images, preprocessing)
        self.labels = _labels(labels, len(self.images))
        self.ids = list(map(str, range(len(self.images)))) if ids is None else list(ids)
        if len(self.ids) != len(self.images) or len(set(self.ids)) != len(self.images):
            raise InputError(f"{len(self.images)} images need as many different ids, not {len(set(self.ids))}")
        self.class_names = class_names
        self.preprocessing, self.notes = (preprocessing, []) if preprocessing else self._shown()

    @property
    def uris(self) -> list[str | None]:
        return [None] * len(self)

    def fingerprint(self) -> str:
        """SHA-256 of the arrays' types, shapes and bytes, and of the ids."""
        digest = hashlib.sha256("\0".join(self.ids).encode())
        for array in (self.images, self.labels):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        image = self.images[index]
        if image.dtype == np.uint8:
            x = self.preprocessing.forward(Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image))
        else:
            x = torch.from_numpy(np.array(image))
        return x, known(self.labels[index])

    def _shown(self) -> tuple[Preprocessing, list[str]]:
        return shown_by(float(self.images.min()), float(self.images.max()), self.images.shape[1:])


def _images(given: Any, preprocessing: Preprocessing | None) -> NDArray[Any]:
    images = _numpy(given)
    if len(images) == 0:
        raise InputError("the array of images is empty")
    if images.dtype == np.uint8:
        if preprocessing is None:
            raise InputError("uint8 images need a Preprocessing that says how they become the model's input")
        if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
            raise InputError(f"uint8 images are (N, H, W) or (N, H, W, 1 or 3), not {images.shape}")
    elif not np.issubdtype(images.dtype, np.floating) or images.ndim != 4:
        raise InputError(f"images are floats (N, C, H, W) or uint8 (N, H, W[, C]), not {images.dtype} {images.shape}")
    return images


def _labels(given: Any, count: int) -> NDArray[np.int64]:
    labels = np.full(count, UNKNOWN) if given is None else _numpy(given)
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels are {count} whole numbers, not {labels.dtype} {labels.shape}")
    return labels.astype(np.int64)


def _numpy(values: Any) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
