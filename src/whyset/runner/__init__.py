"""The runner: explains a model on a data set and writes a run folder."""

from whyset.runner.composites import NamedComposite
from whyset.runner.explaining import explain
from whyset.runner.from_arrays import from_arrays
from whyset.runner.input_codecs import LevelCodec
from whyset.runner.labels import Labels
from whyset.runner.models import ModelSource
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.rerun import rerun
from whyset.runner.sources import (
    ArrayFileSource,
    ArraySource,
    DatasetSource,
    FolderSource,
    HuggingFaceSource,
    Source,
    WavFolderSource,
)
from whyset.runner.tuned_methods import load_method

__all__ = [
    "ArrayFileSource",
    "ArraySource",
    "DatasetSource",
    "FolderSource",
    "HuggingFaceSource",
    "Labels",
    "LevelCodec",
    "ModelSource",
    "NamedComposite",
    "Preprocessing",
    "Source",
    "WavFolderSource",
    "explain",
    "from_arrays",
    "load_method",
    "rerun",
]
