"""Targets that choose scores: of the label, of the prediction, by index or name, the highest, or listed by sample."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.targets.target import ScoreName, Target


@dataclass(frozen=True)
class Label(Target):
    """The labeled class, the predicted one where no label is known."""

    def to_text(self) -> str:
        return "label"

    def indices(self, scores: Tensor, labels: Tensor) -> Tensor:
        return torch.where(labels >= 0, labels, scores.argmax(1))[None]


@dataclass(frozen=True)
class Prediction(Target):
    """The class with the highest score."""

    def to_text(self) -> str:
        return "prediction"

    def indices(self, scores: Tensor, labels: Tensor) -> Tensor:
        return scores.argmax(1)[None]


@dataclass(frozen=True)
class Index(Target):
    """One score of every sample, by its name or its number."""

    name: ScoreName

    def to_text(self) -> str:
        return self.name.text

    def resolve(self, names: Sequence[str]) -> "Index":
        return Index(ScoreName(str(self.name.find(names))))

    def indices(self, scores: Tensor, labels: Tensor) -> Tensor:
        return torch.full_like(labels, int(self.name.text))[None]


@dataclass(frozen=True)
class Top(Target):
    """The `k` highest scores, the highest first."""

    k: int

    @property
    def count(self) -> int:
        return self.k

    def to_text(self) -> str:
        return f"top:{self.k}"

    def resolve(self, names: Sequence[str]) -> "Top":
        if self.k > len(names):
            raise InputError(f"target {self.to_text()} needs {self.k} outputs, but the model has {len(names)}")
        return self

    def indices(self, scores: Tensor, labels: Tensor) -> Tensor:
        return scores.topk(self.k, dim=1).indices.T


@dataclass(frozen=True)
class Listed(Target):
    """A score for each sample of the data set, in its order.

    >>> Listed((0, 2, 1)).to_text() == Listed((0, 1, 2)).to_text()
    False
    """

    classes: tuple[int, ...]

    def to_text(self) -> str:
        return f"list:{hashlib.sha256(repr(self.classes).encode()).hexdigest()[:16]}"

    def resolve(self, names: Sequence[str]) -> "Listed":
        outside = next((one for one in self.classes if not 0 <= one < len(names)), None)
        if outside is not None:
            raise InputError(f"target {outside} is not an output of the model, which has outputs 0 to {len(names) - 1}")
        return self

    def indices(self, scores: Tensor, labels: Tensor) -> Tensor:
        return labels[None]


def read_classes(path: Path) -> list[int]:
    """Read the index of an output for each sample from an .npy file, or from a text with one in each line.

    InputError: the file cannot be read, or holds something else.
    """
    expected = f"target list:{path}: expected an .npy file of whole numbers (N,), or a text with one in each line"
    try:
        if path.suffix == ".npy":
            values = np.load(path, allow_pickle=False)
            if values.ndim != 1 or values.dtype.kind not in "iu":
                raise InputError(f"{expected}, got {values.dtype} {values.shape}")
            return [int(value) for value in values]
        return [int(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"target list:{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{expected} ({error})") from error
