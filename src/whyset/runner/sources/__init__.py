"""Where samples come from: one protocol, one file per kind."""

from pathlib import Path
from typing import Any, cast

from whyset.errors import InputError
from whyset.runner.labels import Labels
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.sources.arrays import ArraySource
from whyset.runner.sources.dataset import DatasetSource
from whyset.runner.sources.folder import FolderSource
from whyset.runner.sources.source import UNKNOWN, Source, read, spread
from whyset.runner.sources.subset import Spread

__all__ = ["UNKNOWN", "ArraySource", "DatasetSource", "FolderSource", "Source", "Spread", "as_source", "read", "spread"]


def as_source(data: Any, preprocessing: Preprocessing | None, labels: Labels | None) -> Source:
    """Wrap what a person gives: a source, the path of a folder, (images, labels) or a map-style data set."""
    if callable(getattr(data, "fingerprint", None)):
        return cast(Source, data)
    if isinstance(data, (str, Path)):
        if preprocessing is None:
            raise InputError(
                f"images in {data} need a Preprocessing: pass FolderSource({str(data)!r}, Preprocessing(...))"
            )
        return FolderSource(Path(data), preprocessing, labels)
    names = None if labels is None else labels.names
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in data):
        return ArraySource(*data, class_names=names)
    if hasattr(data, "shape"):
        return ArraySource(data, class_names=names)
    return DatasetSource(data, preprocessing)
