"""Targets: the outputs of the model that are explained."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import torch
from torch import Tensor

from whyset.attribution.targets import ExplainedValue, one_hot
from whyset.errors import InputError

ONE = "label, prediction, the index of an output (0, 1, ...) or top:K"


@dataclass(frozen=True)
class Target:
    """One target, or the K highest ones, by its `kind`.

    `label` explains the labeled class (the predicted one if no label is known), `prediction` the predicted one, `index`
    the output `number` of every sample, `top` the `number` highest outputs, the highest first.

    >>> Target.of("3").number, Target.of("top:3").count
    (3, 3)
    """

    kind: str
    number: int | None = None

    @classmethod
    def of(cls, given: str | int) -> "Target":
        """Parse "label", "prediction", the index of an output or "top:K"."""
        text = str(given)
        if text in ("label", "prediction"):
            return cls(text)
        kind, number = ("top", text[4:]) if text.startswith("top:") else ("index", text)
        if not number.isdecimal() or (kind == "top" and int(number) < 1):
            raise InputError(f"target must be {ONE}, not {given!r}")
        return cls(kind, int(number))

    @property
    def count(self) -> int:
        return self.number or 1 if self.kind == "top" else 1

    def check(self, outputs: int) -> None:
        """Raise InputError for a target that a model with this number of outputs does not have."""
        if self.kind == "index" and self.number is not None and self.number >= outputs:
            raise InputError(
                f"target {self.number} is not an output of the model, which has outputs 0 to {outputs - 1}"
            )
        if self.count > outputs:
            raise InputError(f"target {self.to_text()} needs {self.count} outputs, but the model has {outputs}")

    def to_text(self) -> str:
        return f"top:{self.number}" if self.kind == "top" else self.kind if self.number is None else str(self.number)

    def indices(self, output: Tensor, labels: Tensor) -> Tensor:
        """Return the outputs to explain, (count, samples); `labels` are -1 where unknown.

        A single output is explained for every sample, whatever its class.
        """
        if output.shape[1] == 1:
            return torch.zeros_like(labels)[None]
        if self.kind == "top":
            return output.topk(self.count, dim=1).indices.T
        if self.kind == "index":
            return torch.full_like(labels, self.number or 0)[None]
        prediction = output.argmax(1)
        return (prediction if self.kind == "prediction" else torch.where(labels >= 0, labels, prediction))[None]


@dataclass(frozen=True)
class Targets:
    """The targets of every sample, in order; they share its forward pass.

    >>> Targets.of(["label", "top:2"]).count
    3
    """

    parts: tuple[Target, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError(f"no target was given: give one or more of {ONE}")
        if len(set(self.parts)) < len(self.parts):
            names = ", ".join(part.to_text() for part in self.parts)
            raise InputError(f"targets must differ, but one is given twice: {names}")

    @classmethod
    def of(cls, given: "str | int | Sequence[str | int]") -> "Targets":
        several = [given] if isinstance(given, (str, int)) else list(given)
        return cls(tuple(map(Target.of, several)))

    @property
    def count(self) -> int:
        return sum(part.count for part in self.parts)

    def check(self, outputs: int) -> None:
        for part in self.parts:
            part.check(outputs)

    def to_text(self) -> str | tuple[str, ...]:
        names = tuple(part.to_text() for part in self.parts)
        return names[0] if len(names) == 1 else names

    def indices(self, output: Tensor, labels: Tensor) -> Tensor:
        """Return the outputs to explain, (count, samples)."""
        return torch.cat([part.indices(output, labels) for part in self.parts])

    def outputs(self, labels: Tensor) -> list["ChosenOutput"]:
        """Return the targets as an attributor takes them; each chooses when it gets the output."""
        return [ChosenOutput(self, number, labels) for number in range(self.count)]


@dataclass(frozen=True, eq=False)
class ChosenOutput(ExplainedValue):
    """One target of every sample: the value of the output that `targets` choose as their target `number`."""

    targets: Targets
    number: int
    labels: Tensor

    def coefficient(self, output: Tensor) -> Tensor:
        return one_hot(output, self.targets.indices(output, self.labels)[self.number])


def choose_targets(
    target: str | SupportsIndex, targets: Sequence[str | SupportsIndex] | None
) -> str | int | Sequence[str | int]:
    """Combine the arguments `target` and `targets` of `explain`; InputError if they do not fit.

    A sequence as `target` would mean one class per sample, as for attributors; a run takes classes from its labels.
    """
    one = _as_plain(target)
    if not isinstance(one, str | int):
        raise InputError(
            f"target: expected {ONE}, got {type(target).__name__}: give several targets by targets=[...], and a class "
            'for each sample as its label, with target="label"'
        )
    if targets is None:
        return one
    several = _as_plain(targets)
    if isinstance(several, str) or not isinstance(several, Iterable):
        raise InputError(f"targets: expected a list of targets, got {targets!r}: give one by target=")
    if one != "label":
        raise InputError("both target and targets were given: give one target, or several by targets=[...]")
    return [_as_plain(target) for target in several]


def _as_plain(given: Any) -> Any:
    """Convert a whole number of numpy or torch to an int; return anything else as it is."""
    try:
        return operator.index(given)
    except TypeError:
        return given


def label_tensor(labels: Sequence[int | None], device: torch.device) -> Tensor:
    """Return labels as numbers, -1 where unknown."""
    return torch.tensor([-1 if label is None else label for label in labels], dtype=torch.int64, device=device)
