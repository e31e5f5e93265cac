"""Hugging Face data sets: a column of images, ids of tokens or values, and a ClassLabel column where there is one."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from whyset.errors import InputError
from whyset.optional import import_optional
from whyset.runner.input_codecs import InputCodec
from whyset.runner.labels import Labels
from whyset.runner.sources.content import PART, WHOLE_FILES
from whyset.runner.sources.dataset import IMAGE_KEYS, LABEL_KEYS, DatasetSource
from whyset.runner.sources.file_state import FileState
from whyset.runner.sources.given_labels import GivenLabels, LabelForm
from whyset.runner.sources.source import spread

SAVED, SPLITS = "state.json", "dataset_dict.json"


class HuggingFaceSource(DatasetSource):
    """A `datasets.Dataset`, by its Image feature and its ClassLabel feature (else by common names of columns).

    With `class_labels`, the output of each class is found by its name. `image` is the name of another column of inputs.
    """

    def __init__(
        self,
        dataset: Any,
        preprocessing: InputCodec | None = None,
        class_labels: Labels | None = None,
        path: Path | None = None,
        image: str | None = None,
    ) -> None:
        features = dataset.features
        self.image = image or find_image_column(features)
        self.label = _column(features, "ClassLabel", LABEL_KEYS)
        self.own_names: Sequence[str] | None = getattr(features.get(self.label), "names", None)
        self.class_labels, self.path = class_labels, path
        self.opened_files = tuple(FileState.of(Path(file["filename"])) for file in dataset.cache_files)
        if self.image is None:
            raise InputError(
                f"the data set has the columns {', '.join(features)}: expected one of images, input_ids or input_values"
            )
        strangers = [name for name in self.own_names or () if class_labels and name not in class_labels.indices]
        if strangers:
            raise InputError(f"the data set's class {strangers[0]!r} is not in the labels file")
        super().__init__(dataset, preprocessing)

    @classmethod
    def load(cls, path: Path, preprocessing: InputCodec | None, labels: Labels | None) -> "HuggingFaceSource":
        """Open a data set saved by `save_to_disk`."""
        return cls(load_saved(path), preprocessing, labels, path)

    @cached_property
    def given_labels(self) -> GivenLabels:
        """The labels, with each class index that of the model's output."""
        found = GivenLabels.of(self._labels, len(self), None if self.class_labels is None else self.class_labels.names)
        if self.class_labels is None or self.own_names is None:
            return found
        if found.form is LabelForm.SETS:
            return replace(found, given=[tuple(map(self._output, one)) for one in found.given])
        return replace(found, given=list(map(self._output, found.given)))

    @cached_property
    def _labels(self) -> Sequence[Any]:
        """The labels as they are stored."""
        if self.label is None:
            return [None] * len(self)
        found: Sequence[Any] = self.dataset.with_format(None).select_columns(self.label)[:][self.label]
        return found

    @property
    def class_names(self) -> Sequence[str] | None:
        if self.class_labels is not None:
            return self.class_labels.names
        return self.own_names or self.given_labels.names

    @property
    def notes(self) -> list[str]:
        return self._shown.notes

    def fingerprint(self) -> str:
        """Return the SHA-256 of the labels, the stored images (of large data sets: of some rows) and some inputs."""
        digest = hashlib.sha256(f"{len(self)}".encode() + self.given_labels.content())
        for x in self._survey.values():
            digest.update(b"unreadable" if x is None else x.numpy().tobytes())
        stored = self.dataset.with_format("arrow")
        for row in range(len(self)) if len(self) <= WHOLE_FILES else spread(len(self), PART):
            digest.update(repr(stored[int(row)][self.image].to_pylist()).encode())
        return digest.hexdigest()

    def parse(self, item: Any, index: int) -> tuple[torch.Tensor, int | None]:
        return self._to_input(self._get_image(item)), self.given_labels[index]

    def _get_image(self, item: Any) -> Any:
        return item[self.image]

    def _output(self, label: Any) -> Any:
        """Return the model's output of a label; None and -1 stand for no label."""
        if self.class_labels is None or self.own_names is None or label is None or label < 0:
            return label
        return self.class_labels.indices[self.own_names[label]]


def load_saved(path: Path) -> Any:
    """Load a data set saved by `save_to_disk`; InputError if it holds several splits."""
    datasets = import_optional("datasets", str(path), 'pip install "whyset[datasets]"')
    if (path / SPLITS).is_file():
        splits = sorted(entry.name for entry in path.iterdir() if (entry / SAVED).is_file())
        raise InputError(f"{path} holds several splits: give one of {', '.join(str(path / name) for name in splits)}")
    return datasets.load_from_disk(str(path))


def find_image_column(features: Any) -> str | None:
    """Find the column of inputs: that of images, else the first with a common name."""
    return _column(features, "Image", IMAGE_KEYS)


def _column(features: Any, kind: str, usual: Sequence[str]) -> str | None:
    """Find the first column whose feature is of this kind, else the first with a common name."""
    found = [name for name, feature in features.items() if type(feature).__name__ == kind]
    return next(iter(found), None) or next((name for name in usual if name in features), None)
