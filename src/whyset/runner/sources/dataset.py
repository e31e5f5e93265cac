"""Any map-style data set: torch and torchvision data sets, Hugging Face data sets, lists."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Subset, TensorDataset

from whyset.errors import InputError, MissingPreprocessingError
from whyset.modality import MODALITIES, infer_modality
from whyset.runner.activity import Activity
from whyset.runner.input_codecs import InputCodec, for_arrays, of_images
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.sources.codec_choice import CodecChoice, show_images, show_values
from whyset.runner.sources.content import file_content, row_content
from whyset.runner.sources.given_labels import GivenLabels, LabelForm
from whyset.runner.sources.measuring import MeasuredRange, measure_range
from whyset.runner.sources.rows import RowForm, move_to_host
from whyset.runner.sources.source import attempt, parse_label, spread

IMAGE_KEYS = ("image", "img", "pixel_values", "x", "input_ids", "input_values")
LABEL_KEYS = ("label", "labels", "fine_label", "y")
SURVEYED = 16


class DatasetSource:
    """Any object with `len` and `[i]` that returns an image, (image, label) or {"image": ..., "label": ...}.

    An image is a float tensor or array (C, H, W) as the model takes it, or, together with `preprocessing`, a PIL image
    or a uint8 or uint16 tensor or array (H, W), (H, W, C) or (C, H, W).
    Series are floats (C, T), rows of tables floats (F,), and texts the ids of their tokens, integers (T,).
    A stream without random access is refused: a run needs to come back to the same sample. `splitting` is a function
    that splits an item of another form into (image, label or None).
    """

    def __init__(
        self, dataset: Any, preprocessing: InputCodec | None = None, splitting: Callable[[Any], Any] | None = None
    ) -> None:
        self.dataset, self.given = dataset, preprocessing
        self.splitting = splitting or split
        self.activity = Activity()  # replaced by the caller that watches the measuring of the range
        if isinstance(self.dataset, Mapping):
            names = ", ".join(map(str, self.dataset))
            raise InputError(f"{type(self.dataset).__name__} holds several data sets: give one of {names}")
        if not (hasattr(self.dataset, "__len__") and hasattr(self.dataset, "__getitem__")):
            raise InputError(
                f"{type(self.dataset).__name__} is a stream without len and [i], but a run must be able to read the "
                "same sample again: give a map-style data set, or write the samples to a folder"
            )
        if len(self) == 0:
            raise InputError(f"the data set {type(self.dataset).__name__} is empty")
        self._require_repeatable()

    @cached_property
    def ids(self) -> list[str]:
        paths = self._paths
        return list(map(str, range(len(self)))) if paths is None else paths

    @property
    def uris(self) -> list[str | None]:
        if self._paths is None:
            return [None] * len(self)
        root = Path(_innermost(self.dataset).root).resolve()
        return [(root / name).as_uri() for name in self._paths]

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.given_labels.indices

    @cached_property
    def given_labels(self) -> GivenLabels:
        found = self._listed_labels
        if found is None:
            found = [attempt(partial(self._read_label, index))[0] for index in range(len(self))]
        return GivenLabels.of(found, len(self), self._class_names)

    @property
    def _listed_labels(self) -> Sequence[Any] | None:
        return get_labels(self.dataset)

    @property
    def class_names(self) -> Sequence[str] | None:
        return self._class_names or self.given_labels.names

    @property
    def _class_names(self) -> Sequence[str] | None:
        names = getattr(self.dataset, "classes", None)
        return None if names is None else [str(name) for name in names]

    @property
    def preprocessing(self) -> InputCodec:
        return self._shown.kept

    @property
    def measured(self) -> MeasuredRange | None:
        return self._shown.measured

    @property
    def notes(self) -> list[str]:
        reading = "labels are read in one pass over the data, because the data set has no `targets`"
        return self._shown.notes + ([reading] if self._listed_labels is None else [])

    def fingerprint(self) -> str:
        """Return the SHA-256 of all ids and labels, 16 inputs, and some or all stored tensors or files."""
        digest = hashlib.sha256("\0".join(self.ids).encode() + self.given_labels.content())
        for x in self._survey.values():
            digest.update(b"unreadable" if x is None else x.numpy().tobytes())
        if self._paths is not None:
            root = Path(_innermost(self.dataset).root)
            file_content(digest, root, [(name, _size(root / name)) for name in self._paths])
        if isinstance(self.dataset, TensorDataset):
            row_content(digest, move_to_host(self.dataset.tensors[0]).numpy())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        x, label = self.read(index)
        return (self.preprocessing.normalize(x) if x.dtype == torch.uint8 else x), label

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        return self.parse(self.dataset[int(index)], int(index))

    def parse(self, item: Any, index: int) -> tuple[torch.Tensor, int | None]:
        """Return pixels as the model sees them, or its float input, and the label of an item of the data set."""
        image, label = self.splitting(item)
        return self._to_input(image), self._to_class(label, index)

    def _to_input(self, image: Any) -> torch.Tensor:
        """Return pixels as the model sees them, or its float input."""
        if isinstance(image, Image.Image):
            image.load()  # colors of 16 bits have 8 from here on, as they have when the same image is read again
            return self._require_preprocessing("PIL").read(image)
        x = move_to_host(torch.as_tensor(_as_torch_reads(image)))
        if x.dtype in (torch.uint8, torch.uint16) and x.ndim in (2, 3):
            pixels = x.numpy()
            form = RowForm.of((1, *pixels.shape), pixels.dtype)
            return form.read(pixels, self._require_preprocessing(str(pixels.dtype)))
        if _are_ids(x):
            return x.long().contiguous()
        if not x.is_floating_point() or x.ndim not in (1, 2, 3, 4):
            raise InputError(
                "a sample must be a PIL image, a uint8 or uint16 image (H, W), (H, W, C) or (C, H, W), floats "
                f"(C, H, W), (C, D, H, W), (C, T) or (F,), or ids of tokens as integers (T,), not {x.dtype} "
                f"{tuple(x.shape)}"
            )
        return x.contiguous()

    def _require_repeatable(self) -> None:
        """Read one sample again; InputError if it is not the same, or if no sample can be read twice."""
        error = ""
        for index, x in self._survey.items():
            if x is None:
                continue
            again, error = attempt(partial(self._input, index))
            if again is None:  # a sample that cannot be read fails alone, and is not evidence on the others
                continue
            if not torch.equal(again.nan_to_num(), x.nan_to_num()):
                raise InputError(
                    f"the data set returns another image each time sample {index} is read, so its explanation cannot "
                    "be shown or repeated: switch off random augmentation"
                )
            return
        raise InputError(
            "no sample of the data set can be read a second time, as continuing a run needs: make the samples readable "
            f"again; the last error is {error}"
        )

    def _require_preprocessing(self, images: str) -> Preprocessing:
        given = of_images(self.given)
        if given is None:
            raise MissingPreprocessingError(f"the {images} images of the data set")
        return given

    def _get_image(self, item: Any) -> Any:
        return self.splitting(item)[0]

    def _read_label(self, index: int) -> Any:
        return self.splitting(self.dataset[index])[1]

    def _to_class(self, label: Any, index: int) -> int | None:
        """Return the class that comes with a sample, or the listed one where labels are not class indices."""
        if self.given_labels.form is LabelForm.CLASSES and self.given_labels.columns is None:
            return parse_label(label)
        return self.given_labels[index]

    @cached_property
    def _survey(self) -> dict[int, torch.Tensor | None]:
        """Inputs of samples spread over the data set; None for unreadable ones, which fail later, one by one."""
        found = {int(index): attempt(partial(self._input, int(index))) for index in spread(len(self), SURVEYED)}
        if all(x is None for x, _ in found.values()):
            index, (_, error) = next(iter(found.items()))
            raise InputError(
                f"none of {len(found)} samples spread over the data set can be read; sample {index}: {error}"
            )
        return {index: x for index, (x, _) in found.items()}

    def _input(self, index: int) -> torch.Tensor:
        """Return the input of a sample; pixels are normalized. Its label, which may need all labels, is not read."""
        x = self._to_input(self._get_image(self.dataset[int(index)]))
        given = of_images(self.given) if x.dtype == torch.uint8 else None
        return x if given is None else given.normalize(x)

    @cached_property
    def _shown(self) -> CodecChoice:
        shapes = Counter(x.shape for x in self._survey.values() if x is not None)
        ((shape, _),) = shapes.most_common(1)
        first = next(x for x in self._survey.values() if x is not None and x.shape == shape)
        pixels = MODALITIES[infer_modality(first.shape)].inputs == "pixels"
        if self.given is not None and pixels:
            return CodecChoice(self.given if self._has_files else for_arrays(self.given))
        if not pixels:
            return show_values(integers=_are_ids(first))
        measured = measure_range(partial(self._images, tuple(shape)), len(self), tuple(shape))
        return show_images(measured, tuple(shape))

    @property
    def _has_files(self) -> bool:
        """True if the first readable sample is a PIL image, which may come from a file with an EXIF orientation."""
        index = next(index for index, x in self._survey.items() if x is not None)
        return isinstance(attempt(lambda: self._get_image(self.dataset[index]))[0], Image.Image)

    def _images(self, shape: tuple[int, ...], indices: NDArray[np.int64]) -> Iterator[NDArray[np.floating]]:
        """Yield inputs (1, C, ...); unreadable samples and those of another shape are skipped, and fail later."""
        for index in indices.tolist():
            with self.activity.reading(index):
                x, _ = attempt(partial(self._input, index))
            if x is not None and tuple(x.shape) == shape:
                yield x[None].numpy()

    @cached_property
    def _paths(self) -> list[str] | None:
        return _get_paths(self.dataset)


def _as_torch_reads(image: Any) -> Any:
    """An array with a byte order and strides that torch has; anything else as it is."""
    return np.asarray(image, image.dtype.newbyteorder("="), order="C") if isinstance(image, np.ndarray) else image


def _are_ids(x: torch.Tensor) -> bool:
    """True if a sample is the ids of a text's tokens."""
    return x.ndim == 1 and x.dtype in (torch.int64, torch.int32, torch.int16)


def _get_paths(dataset: Any) -> list[str] | None:
    """Return the relative paths of torchvision's ImageFolder or a similar data set, or of a subset; None for others."""
    if isinstance(dataset, Subset):
        inner = _get_paths(dataset.dataset)
        return None if inner is None else [inner[index] for index in dataset.indices]
    root, samples = getattr(dataset, "root", None), getattr(dataset, "samples", None)
    if root is None or samples is None:
        return None
    return [Path(path).relative_to(root).as_posix() for path, _ in samples]


def _innermost(dataset: Any) -> Any:
    return _innermost(dataset.dataset) if isinstance(dataset, Subset) else dataset


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def split(item: Any) -> tuple[Any, Any]:
    """Split an item of a data set into (image, label or None)."""
    if isinstance(item, Mapping):
        image = next((item[key] for key in IMAGE_KEYS if key in item), None)
        if image is None:
            raise InputError(f"a sample has the keys {sorted(map(str, item))}: expected one of {', '.join(IMAGE_KEYS)}")
        return image, next((item[key] for key in LABEL_KEYS if key in item), None)
    if isinstance(item, (tuple, list)):
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def get_labels(dataset: Any) -> Sequence[Any] | None:
    """Return the labels of all samples without reading images; None if the data set does not store them."""
    if isinstance(dataset, Subset):
        inner = get_labels(dataset.dataset)
        return None if inner is None else [inner[index] for index in dataset.indices]
    if isinstance(dataset, TensorDataset):
        if len(dataset.tensors) < 2:
            return [None] * len(dataset)
        several_inputs = len(dataset.tensors) > 2 and dataset.tensors[1].dim() > 1
        return dataset.tensors[-1 if several_inputs else 1].tolist()
    columns = getattr(dataset, "column_names", None)
    if isinstance(columns, list):
        name = next((key for key in LABEL_KEYS if key in columns), None)
        return [None] * len(dataset) if name is None else list(dataset[name])
    targets = getattr(dataset, "targets", None)
    return None if targets is None or len(targets) != len(dataset) else list(targets)
