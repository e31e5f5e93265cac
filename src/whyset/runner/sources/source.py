"""What the runner needs to know about data."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.runner.preprocessing import Preprocessing

UNKNOWN = -1


class Source(Protocol):
    """Samples with random access: `source[i]` is (the model's input as float (C, H, W), the label or None).

    A sample that cannot be read raises; the runner records it as failed and goes on.
    """

    @property
    def ids(self) -> Sequence[str]:
        """A stable name for each sample: a relative posix path where there is one."""

    @property
    def uris(self) -> Sequence[str | None]:
        """Where each sample lies, if it lies somewhere."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The label of each sample, `UNKNOWN` (-1) where there is none."""

    @property
    def class_names(self) -> Sequence[str] | None:
        """Names of the model's outputs in order, if the data knows them."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How inputs were made; its `undo` gives the image that the model saw."""

    @property
    def notes(self) -> Sequence[str]:
        """What a person should be told about how the data was read."""

    def fingerprint(self) -> str:
        """A hash that changes when the data does."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]: ...


def known(label: Any) -> int | None:
    """A label as an int, None where it is unknown."""
    return None if label is None or int(label) == UNKNOWN else int(label)


def spread(count: int, limit: int) -> NDArray[np.int64]:
    """Up to `limit` indices spread evenly over `count` samples, so that sorted classes all take part."""
    taken = min(limit, count)
    return np.arange(taken, dtype=np.int64) * count // max(taken, 1)
