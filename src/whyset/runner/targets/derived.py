"""Targets whose value is computed from the scores: contrasts, differences from a reference, similarities."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.stabilizer import output_ratio
from whyset.attribution.targets import AboveReference, Similarity
from whyset.errors import InputError
from whyset.runner.targets.target import ScoreName, Target

REST = "rest"


@dataclass(frozen=True)
class ContrastTarget(Target):
    """Why one class rather than another, or than all others: `contrast:A,B` or `contrast:A,rest`.

    The value is z_A − z_B. For "rest" it is z_A − Σ_j w_j z_j, with the softmax of the other scores as weights w, so
    that its gradient is that of the log odds log(p_A / (1 − p_A)); the weights are constants.

    >>> target = ContrastTarget(ScoreName("0"), ScoreName("rest"))
    >>> target.value(torch.tensor([[3.0, 1.0, 1.0]]), conserving=True).tolist()
    [2.0]
    """

    derived: ClassVar[bool] = True

    one: ScoreName
    other: ScoreName

    @property
    def index(self) -> int:
        return int(self.one.text)

    def to_text(self) -> str:
        return f"contrast:{self.one.text},{self.other.text}"

    def resolve(self, names: Sequence[str]) -> "ContrastTarget":
        one = self.one.find(names)
        if self.other.text == REST and REST not in names:
            if len(names) < 2:
                raise InputError(f"target {self.to_text()} needs two or more classes, but the model has one output")
            return ContrastTarget(ScoreName(str(one)), self.other)
        other = self.other.find(names)
        if one == other:
            raise InputError(f"target {self.to_text()}: expected two different classes, got {names[one]!r} twice")
        return ContrastTarget(ScoreName(str(one)), ScoreName(str(other)))

    def value(self, scores: Tensor, conserving: bool) -> Tensor:
        one = scores[:, self.index]
        if self.other.text != REST:
            return one - scores[:, int(self.other.text)]
        others = scores.detach().clone()
        others[:, self.index] = -torch.inf
        return one - (scores * others.softmax(dim=1)).sum(dim=1)


@dataclass(frozen=True)
class ReferenceTarget(Target):
    """An output minus a reference value, `reference:VALUE` or `reference:OUTPUT,VALUE` (Letzgus 2021).

    Relevance by rules starts as `y − reference`.

    >>> ReferenceTarget(1.5).value(torch.tensor([[2.0]]), conserving=False).tolist()
    [0.5]
    """

    derived: ClassVar[bool] = True

    reference: float
    output: ScoreName = field(default_factory=lambda: ScoreName("0"))
    stated: bool = False

    @property
    def index(self) -> int:
        return int(self.output.text)

    def to_text(self) -> str:
        return f"reference:{self.output.text},{self.reference!r}" if self.stated else f"reference:{self.reference!r}"

    def resolve(self, names: Sequence[str]) -> "ReferenceTarget":
        if not self.stated and len(names) > 1:
            raise InputError(
                f"target {self.to_text()}: the model has {len(names)} outputs: choose one, such as "
                f"reference:0,{self.reference!r}"
            )
        return replace(self, output=ScoreName(str(self.output.find(names))))

    def value(self, scores: Tensor, conserving: bool) -> Tensor:
        y = scores[:, self.index, None]
        if not conserving:
            return (y - self.reference)[:, 0]
        # A constant that is subtracted keeps its share of relevance, so y is scaled by a constant factor instead.
        return (y * AboveReference(0, self.reference).coefficient(y.detach()))[:, 0]


@dataclass(frozen=True, eq=False)
class SimilarityTarget(Target):
    """The cosine similarity of an embedding to that of another sample, `similarity:ID`; `other` is its embedding (D,).

    Relevance by rules starts as the part of each dimension, y ⊙ other / (|y| |other|).
    """

    derived: ClassVar[bool] = True

    id: str
    number: int = 0
    other: Tensor | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SimilarityTarget) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def index(self) -> int:
        return self.number

    def to_text(self) -> str:
        return f"similarity:{self.id}"

    def value(self, scores: Tensor, conserving: bool) -> Tensor:
        assert self.other is not None, "the embedding is computed before the first sample is explained"
        other = self.other.to(scores).expand_as(scores)
        if conserving:
            return (scores * Similarity(other).coefficient(scores.detach())).sum(dim=1)
        lengths = scores.norm(dim=1, keepdim=True) * other.norm(dim=1, keepdim=True)
        return (scores * output_ratio(other, lengths, scores.dtype)).sum(dim=1)
