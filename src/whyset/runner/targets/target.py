"""The base of the targets of a run: which value of the scores of a sample is explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.errors import InputError


@dataclass(frozen=True)
class Target:
    """Base of the targets.

    A target chooses columns of the scores (n, K) by `indices`, or, if it is `derived`, computes a value from them.
    """

    derived: ClassVar[bool] = False

    @property
    def count(self) -> int:
        """The number of explanations of each sample."""
        return 1

    def to_text(self) -> str:
        """Return the target as it is written by users and in run.json."""
        raise NotImplementedError

    def resolve(self, names: Sequence[str]) -> "Target":
        """Return the target with the number of each score in place of its name; InputError: it does not exist."""
        return self

    def indices(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the chosen columns of the scores (n, K), (count, n); `labels` (n,) are -1 where unknown."""
        raise NotImplementedError

    def value(self, scores: Tensor, conserving: bool) -> Tensor:
        """Return the derived value of each sample, (n,); `conserving`: its relevance is propagated by rules."""
        raise NotImplementedError

    @property
    def index(self) -> int:
        """The score that a derived target explains, as it is stored."""
        raise NotImplementedError


@dataclass(frozen=True)
class ScoreName:
    """A score by its name or number, as it is given.

    >>> ScoreName("dog").find(["cat", "dog"]), ScoreName("0").find(["cat", "dog"])
    (1, 0)
    """

    text: str

    def find(self, names: Sequence[str]) -> int:
        """Return the number of the score: of this name, or else of this number."""
        if self.text in names:
            return list(names).index(self.text)
        if self.text.isdecimal() and int(self.text) < len(names):
            return int(self.text)
        if self.text.isdecimal():
            raise InputError(
                f"target {self.text} is not an output of the model, which has outputs 0 to {len(names) - 1}"
            )
        known = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise InputError(
            f"target {self.text!r} is not a class of the model: expected label, prediction, top:K, the index of an "
            f"output (0 to {len(names) - 1}) or one of the classes {known}"
        )
