"""Targets: the values of the model that are explained."""

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsIndex

import torch
from torch import Tensor

from whyset.attribution.targets import ExplainedValue, one_hot
from whyset.errors import InputError
from whyset.runner.targets.chosen import Index, Label, Listed, Prediction, Top
from whyset.runner.targets.derived import ContrastTarget, ReferenceTarget, SimilarityTarget
from whyset.runner.targets.target import ScoreName, Target

ONE = (
    "label, prediction, the index of an output (0, 1, ...) or top:K, the name of a class, contrast:A,B, "
    "contrast:A,rest, reference:VALUE or similarity:ID"
)
GivenTarget = str | int | Listed


def parse_target(given: GivenTarget) -> Target:
    """Parse a target as users write it.

    >>> parse_target("contrast:cat,dog").to_text()
    'contrast:cat,dog'
    """
    if isinstance(given, Target):
        return given
    text = str(given).strip()
    kind, colon, rest = text.partition(":")
    try:
        if colon and kind in _PARSERS:
            return _PARSERS[kind](rest)
    except ValueError:
        raise _refuse(given) from None
    if text in ("label", "prediction"):
        return Label() if text == "label" else Prediction()
    if not text.isdecimal() and (not text or _is_number(text)):
        raise _refuse(given)
    return Index(ScoreName(text))


def _refuse(given: object) -> InputError:
    return InputError(f"target must be {ONE}, not {given!r}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parse_top(text: str) -> Target:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(text)
    return Top(int(text))


def _parse_contrast(text: str) -> Target:
    one, comma, other = text.rpartition(",")
    if not comma or not one.strip() or not other.strip():
        raise ValueError(text)
    return ContrastTarget(ScoreName(one.strip()), ScoreName(other.strip()))


def _parse_reference(text: str) -> Target:
    output, comma, value = text.rpartition(",")
    reference = float(value)
    if not math.isfinite(reference):
        raise ValueError(text)
    return ReferenceTarget(reference, ScoreName(output.strip()), stated=True) if comma else ReferenceTarget(reference)


def _parse_similarity(text: str) -> Target:
    if not text:
        raise ValueError(text)
    return SimilarityTarget(text)


_PARSERS = {
    "top": _parse_top,
    "contrast": _parse_contrast,
    "reference": _parse_reference,
    "similarity": _parse_similarity,
}


@dataclass(frozen=True)
class Targets:
    """The targets of every sample, in order; they share its forward pass.

    `outputs` is the number of scores, once it is known: derived values are columns after these.

    >>> Targets.of(["label", "top:2"]).count
    3
    """

    parts: tuple[Target, ...]
    outputs: int | None = None

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError(f"no target was given: give one or more of {ONE}")
        if len(set(self.parts)) < len(self.parts):
            names = ", ".join(part.to_text() for part in self.parts)
            raise InputError(f"targets must differ, but one is given twice: {names}")

    @classmethod
    def of(cls, given: "GivenTarget | Sequence[GivenTarget]") -> "Targets":
        several = [given] if isinstance(given, GivenTarget) else list(given)
        return cls(tuple(map(parse_target, several)))

    @property
    def count(self) -> int:
        return sum(part.count for part in self.parts)

    @property
    def derived(self) -> tuple[Target, ...]:
        """The targets whose value is computed from the scores."""
        return tuple(part for part in self.parts if part.derived)

    def resolve(self, names: Sequence[str]) -> "Targets":
        """Return the targets for scores of these names; InputError: one does not exist."""
        return replace(self, parts=tuple(part.resolve(names) for part in self.parts), outputs=len(names))

    def to_text(self) -> str | tuple[str, ...]:
        names = tuple(part.to_text() for part in self.parts)
        return names[0] if len(names) == 1 else names

    def add_derived(self, scores: Tensor, *, conserving: bool) -> Tensor:
        """Return the scores (n, K) with the derived values as further columns."""
        values = [part.value(scores, conserving).unsqueeze(1) for part in self.derived]
        return torch.cat([scores, *values], dim=1) if values else scores

    def indices(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the columns to explain, (count, samples), of scores with derived values.

        A single score is explained for every sample, whatever its class.
        """
        known = scores[:, : self.outputs]
        found, column = [], known.shape[1]
        for part in self.parts:
            if part.derived:
                found.append(torch.full_like(labels, column)[None])
                column += 1
            elif known.shape[1] == 1:
                found.append(torch.zeros_like(labels)[None])
            else:
                found.append(part.indices(known, labels))
        return torch.cat(found)

    def stored_indices(self, columns: Tensor) -> Tensor:
        """Return the explained class of each column (count, samples), as it is stored."""
        return self._replace_derived(columns, Target)

    def output_columns(self, columns: Tensor) -> Tensor:
        """Return the columns with the value of the model: of a difference from a reference, that of the output."""
        return self._replace_derived(columns, ReferenceTarget)

    def _replace_derived(self, columns: Tensor, kind: type[Target]) -> Tensor:
        """Return the columns with the index of the score in place of values that are derived by this kind of target."""
        found = columns.clone()
        for number, part in enumerate(self.derived):
            if isinstance(part, kind):
                found[columns == (self.outputs or 0) + number] = part.index
        return found

    def list_values(self, labels: Tensor) -> list["ChosenOutput"]:
        """Return the targets as an attributor takes them; each chooses when it gets the output."""
        return [ChosenOutput(self, number, labels) for number in range(self.count)]


@dataclass(frozen=True, eq=False)
class ChosenOutput(ExplainedValue):
    """One target of every sample: the value of the output that `targets` choose as their target `number`."""

    targets: Targets
    number: int
    labels: Tensor

    def coefficient(self, output: Tensor) -> Tensor:
        return one_hot(output, self.targets.indices(output.detach(), self.labels)[self.number])


def choose_targets(target: Any, targets: Sequence[str | SupportsIndex] | None) -> GivenTarget | Sequence[GivenTarget]:
    """Combine the arguments `target` and `targets` of `explain`; InputError if they do not fit.

    A sequence as `target` has one class for each sample, as for attributors.
    """
    plain = _as_plain(target)
    one: GivenTarget = plain if isinstance(plain, str | int) else _list_classes(plain)
    if targets is None:
        return one
    several = _as_plain(targets)
    if isinstance(several, str) or not isinstance(several, Iterable):
        raise InputError(f"targets: expected a list of targets, got {targets!r}: give one by target=")
    if one != "label":
        raise InputError("both target and targets were given: give one target, or several by targets=[...]")
    return [_as_plain(target) for target in several]


def _list_classes(given: Any) -> Listed:
    """Return the class of each sample from a sequence or an array of whole numbers (N,)."""
    values = given.tolist() if hasattr(given, "tolist") else given
    listed = [_as_plain(one) for one in values] if isinstance(values, list | tuple) else None
    if listed is None or not listed or not all(isinstance(one, int) for one in listed):
        raise InputError(
            f"target: expected {ONE}, or the index of an output for each sample, got {type(given).__name__}: give "
            "several targets by targets=[...]"
        )
    return Listed(tuple(listed))


def _as_plain(given: Any) -> Any:
    """Convert a whole number of numpy or torch to an int; return anything else as it is."""
    try:
        return operator.index(given)
    except TypeError:
        return given


def label_tensor(labels: Sequence[int | None], device: torch.device) -> Tensor:
    """Return labels as numbers, -1 where unknown."""
    return torch.tensor([-1 if label is None else label for label in labels], dtype=torch.int64, device=device)


__all__ = [
    "ChosenOutput",
    "GivenTarget",
    "Label",
    "Listed",
    "Prediction",
    "SimilarityTarget",
    "Target",
    "Targets",
    "choose_targets",
    "label_tensor",
    "parse_target",
]
