"""Sources of samples: one protocol, one file per kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from whyset.errors import InputError, MissingPreprocessingError
from whyset.runner.input_codecs import InputCodec, of_images
from whyset.runner.labels import Labels
from whyset.runner.sources.array_file import SUFFIXES, ArrayFileSource
from whyset.runner.sources.arrays import ArraySource
from whyset.runner.sources.dataset import DatasetSource
from whyset.runner.sources.folder import FolderSource
from whyset.runner.sources.hugging_face import SAVED, SPLITS, HuggingFaceSource
from whyset.runner.sources.source import UNKNOWN, Source, read, spread
from whyset.runner.sources.subset import RowSource, SpreadSource, get_columns
from whyset.runner.sources.wav_folder import WavFolderSource, holds_sounds

__all__ = [
    "UNKNOWN",
    "ArrayFileSource",
    "ArraySource",
    "DatasetSource",
    "FolderSource",
    "HuggingFaceSource",
    "RowSource",
    "Source",
    "SpreadSource",
    "WavFolderSource",
    "as_source",
    "get_columns",
    "is_source",
    "read",
    "source_at",
    "spread",
]


def as_source(data: Any, preprocessing: InputCodec | None, labels: Labels | None) -> Source:
    """Make a source from a source, a path, an array, (images, labels) or a map-style data set."""
    if is_source(data):
        return cast(Source, data)
    if isinstance(data, (str, Path)):
        return source_at(Path(data), preprocessing, labels)
    names = None if labels is None else labels.names
    if _is_pair(data):
        return ArraySource(*data, class_names=names, preprocessing=preprocessing)
    if type(data).__module__.split(".")[0] != "datasets" and hasattr(data, "shape"):
        return ArraySource(data, class_names=names, preprocessing=preprocessing)
    if hasattr(data, "features") and hasattr(data, "column_names") and hasattr(data, "__len__"):
        return HuggingFaceSource(data, preprocessing, labels)
    return DatasetSource(data, preprocessing)


def _is_pair(data: Any) -> bool:
    """True if data is (images, labels): an array or tensor, and an array or a sequence of labels."""
    if not (isinstance(data, tuple) and len(data) == 2 and hasattr(data[0], "shape")):
        return False
    return hasattr(data[1], "shape") or (isinstance(data[1], Sequence) and not isinstance(data[1], str | bytes))


def is_source(data: Any) -> bool:
    """True if data has the methods of a `Source`, and so its own preprocessing."""
    return callable(getattr(data, "fingerprint", None))


def source_at(path: Path, preprocessing: InputCodec | None, labels: Labels | None) -> Source:
    """Open the data at a path: an array file, a saved Hugging Face data set, or a folder of images or WAV files."""
    if not path.exists():
        raise InputError(f"data {path} does not exist")
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"data {path} is a file: expected a folder, or one of {', '.join(SUFFIXES)}")
        return ArrayFileSource(path, preprocessing, None if labels is None else labels.names)
    if (path / SAVED).is_file() or (path / SPLITS).is_file():
        return HuggingFaceSource.load(path, preprocessing, labels)
    if holds_sounds(path):
        return WavFolderSource(path, labels)
    given = of_images(preprocessing)
    if given is None:
        raise MissingPreprocessingError(f"the images in {path}")
    return FolderSource(path, given, labels)
