"""Samples of a larger source: some of them, spread evenly, or one for each row of a run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.runner.input_codecs import InputCodec
from whyset.runner.sources.file_state import FileState, opened_files
from whyset.runner.sources.given_labels import GivenLabels, list_labels
from whyset.runner.sources.measuring import MeasuredRange
from whyset.runner.sources.source import Source, get_structure, read, reads_rows, spread
from whyset.runner.sources.structure import Structure


class IndexedSource:
    """Base of sources whose sample i is the sample `indices[i]` of `whole`."""

    whole: Source

    @property
    def indices(self) -> NDArray[np.int64]:
        raise NotImplementedError

    @property
    def ids(self) -> list[str]:
        ids = self.whole.ids
        return [ids[index] for index in self.indices]

    @property
    def uris(self) -> list[str | None]:
        uris = self.whole.uris
        return [uris[index] for index in self.indices]

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.whole.labels[self.indices]

    @property
    def given_labels(self) -> GivenLabels:
        return list_labels(self.whole).take(self.indices)

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
    def structure(self) -> Structure | None:
        return get_structure(self.whole)

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
        return list(self.whole.notes)

    @property
    def concurrent(self) -> bool:
        return getattr(self.whole, "concurrent", False)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        return self.whole[int(self.indices[index])]

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        return read(self.whole, int(self.indices[index]))


@dataclass(frozen=True, eq=False)
class SpreadSource(IndexedSource):
    """At most `limit` samples of `whole`, in its order."""

    whole: Source
    limit: int

    @cached_property
    def indices(self) -> NDArray[np.int64]:
        return spread(len(self.whole), self.limit)

    @property
    def notes(self) -> list[str]:
        return [*self.whole.notes, f"{len(self)} of {len(self.whole)} samples are used, spread evenly"]

    @property
    def reads_rows(self) -> bool:
        """True if all samples of `whole` are used, and it reads consecutive ones at once."""
        return len(self) == len(self.whole) and reads_rows(self.whole)

    def read_rows(self, start: int, stop: int) -> tuple[torch.Tensor, list[int | None]]:
        rows: tuple[torch.Tensor, list[int | None]] = self.whole.read_rows(start, stop)  # type: ignore[attr-defined]
        return rows

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.whole.fingerprint()} limit {len(self)}".encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class RowSource(IndexedSource):
    """The samples of a run whose rows are not simply the samples of `whole`, or have other labels than these.

    Row i is sample `samples[i]`, of which the score `chosen[i]` is explained (-1: as the target states). `names` are
    the ids of the rows, `classes` their labels, -1 where unknown, and `columns` further columns of the table of
    samples.
    """

    whole: Source
    samples: NDArray[np.int64]
    chosen: NDArray[np.int64]
    names: Sequence[str]
    classes: NDArray[np.int64]
    columns: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def indices(self) -> NDArray[np.int64]:
        return self.samples

    @property
    def ids(self) -> list[str]:
        return list(self.names)

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.classes

    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.whole.fingerprint().encode())
        for part in (self.samples, self.chosen, self.classes):
            digest.update(np.ascontiguousarray(part, np.int64).tobytes())
        digest.update(repr({name: list(values) for name, values in self.columns.items()}).encode())
        return digest.hexdigest()

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        return self._choose(super().__getitem__(index)[0], index)

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        return self._choose(super().read(index)[0], index)

    def _choose(self, x: torch.Tensor, index: int) -> tuple[torch.Tensor, int | None]:
        return x, None if self.chosen[index] < 0 else int(self.chosen[index])


def get_columns(source: Source) -> Mapping[str, Sequence[Any]]:
    """Return the further columns that a source has for the table of samples."""
    return source.columns if isinstance(source, RowSource) else {}
