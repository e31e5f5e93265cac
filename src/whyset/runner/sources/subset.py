"""A subset of a larger source, spread evenly over it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.runner.input_codecs import InputCodec
from whyset.runner.sources.file_state import FileState, opened_files
from whyset.runner.sources.measuring import MeasuredRange
from whyset.runner.sources.source import Source, read, spread


@dataclass(frozen=True, eq=False)
class SpreadSource:
    """At most `limit` samples of `whole`, in its order."""

    whole: Source
    limit: int

    @cached_property
    def indices(self) -> NDArray[np.int64]:
        return spread(len(self.whole), self.limit)

    @property
    def ids(self) -> list[str]:
        return [self.whole.ids[index] for index in self.indices]

    @property
    def uris(self) -> list[str | None]:
        uris = self.whole.uris
        return [uris[index] for index in self.indices]

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.whole.labels[self.indices]

    @property
    def class_names(self) -> Sequence[str] | None:
        return self.whole.class_names

    @property
    def preprocessing(self) -> InputCodec:
        return self.whole.preprocessing

    @property
    def opened_files(self) -> tuple[FileState, ...]:
        return opened_files(self.whole)

    @property
    def measured(self) -> MeasuredRange | None:
        return getattr(self.whole, "measured", None)

    @property
    def features(self) -> Sequence[str] | None:
        return getattr(self.whole, "features", None)

    @property
    def rate(self) -> float | None:
        return getattr(self.whole, "rate", None)

    @property
    def tokens(self) -> list[Sequence[str]] | None:
        words = getattr(self.whole, "tokens", None)
        return None if words is None else [words[index] for index in self.indices]

    @property
    def notes(self) -> list[str]:
        return [*self.whole.notes, f"{len(self)} of {len(self.whole)} samples are used, spread evenly"]

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.whole.fingerprint()} limit {len(self)}".encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        return self.whole[int(self.indices[index])]

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        return read(self.whole, int(self.indices[index]))

    @property
    def concurrent(self) -> bool:
        return getattr(self.whole, "concurrent", False)
