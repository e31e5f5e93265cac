"""Samples in memory, as arrays."""

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.errors import InputError, MissingPreprocessingError
from whyset.runner.input_codecs import InputCodec, for_arrays
from whyset.runner.sources.codec_choice import CodecChoice, show_images, show_values
from whyset.runner.sources.content import row_content
from whyset.runner.sources.given_labels import GivenLabels, LabelForm
from whyset.runner.sources.measuring import measure_rows
from whyset.runner.sources.rows import RowForm, check_ids, move_to_host


class ArraySource:
    """Samples in an array.

    Inputs as the model takes them are float images (N, C, H, W), volumes (N, C, D, H, W), series (N, C, T) or tables
    (N, F), or ids of tokens as integers (N, T); with a `preprocessing`, uint8 or uint16 images (N, H, W), (N, H, W, C)
    or (N, C, H, W). For arrays in files, see `ArrayFileSource`.

    >>> source = ArraySource(np.zeros((2, 1, 8, 6), np.float32), labels=[0, 1])
    >>> source[1][0].shape, source[1][1]
    (torch.Size([1, 8, 6]), 1)
    """

    concurrent: ClassVar[bool] = True

    def __init__(
        self,
        images: Any,
        labels: Any = None,
        *,
        ids: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        preprocessing: InputCodec | None = None,
    ) -> None:
        self.images = _numpy(images)
        self.form = RowForm.of(self.images.shape, self.images.dtype)
        count = len(self.images)
        self.given_labels = GivenLabels.of(labels, count, class_names)
        self.labels = self.given_labels.indices
        self.ids = check_ids(list(map(str, range(count))) if ids is None else list(ids), count)
        self.class_names = class_names or self.given_labels.names
        shown = self._shown(preprocessing)
        self.preprocessing, self.notes, self.measured = shown.kept, shown.notes, shown.measured

    @property
    def uris(self) -> list[str | None]:
        return [None] * len(self)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the arrays' dtypes, shapes and bytes (of large ones: of some rows), and of the ids."""
        digest = hashlib.sha256("\0".join(self.ids).encode())
        for array in (self.images, self.labels):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            row_content(digest, array)
        if self.given_labels.form in (LabelForm.SETS, LabelForm.VALUES, LabelForm.OBJECTS):
            digest.update(self.given_labels.content())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        x, label = self.read(index)
        return (self.preprocessing.normalize(x) if x.dtype == torch.uint8 else x), label

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        return self.form.read(self.images[index], self.preprocessing), self.given_labels[index]

    def read_rows(self, start: int, stop: int) -> tuple[torch.Tensor, list[int | None]]:
        labels = self.given_labels.read_rows(start, stop)
        return self.form.read_rows(self.images[start:stop], self.preprocessing), labels

    def _shown(self, given: InputCodec | None) -> CodecChoice:
        if given is not None and self.form.images:
            return CodecChoice(for_arrays(given))
        if not self.form.numbers:
            raise MissingPreprocessingError(f"the {self.images.dtype} images of the array")
        if not self.form.images:
            return show_values(integers=self.form.channels == "ids")
        return show_images(measure_rows(self.images), self.images.shape[1:])


def _numpy(values: Any) -> NDArray[Any]:
    if isinstance(values, torch.Tensor):
        return move_to_host(values).numpy()
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of different lengths
        raise InputError(f"expected an array, got {type(values).__name__} that makes none: {error}") from error
