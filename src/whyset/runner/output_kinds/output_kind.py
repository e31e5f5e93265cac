"""The base of the output kinds: from the output of a model to scores that can be explained."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Tensor

from whyset.arguments import TypedFields
from whyset.attribution.serialization import to_dict
from whyset.errors import InputError
from whyset.runner.output import Output
from whyset.runner.sources.given_labels import GivenLabels

NO_CLASS = -1
"""The prediction where a model does not predict one class, as it is stored."""


@dataclass(frozen=True)
class OutputKind(TypedFields):
    """Base of the kinds of outputs; the fields of a kind are its parameters.

    A kind turns the output of the model into `scores` (n, K): each column is a value that can be explained. A new kind
    is a subclass with a `name`, and a line in the table `OUTPUT_KINDS`.
    """

    name: ClassVar[str]
    """The name in `OUTPUT_KINDS`, on the command line and in run.json."""
    exclusive: ClassVar[bool] = True
    """True if each sample has one class, so that labels are classes and predictions are compared with them."""
    has_classes: ClassVar[bool] = True
    """True if outputs are scores of classes, so that the logit before a last softmax or sigmoid is explained."""
    columns: ClassVar[tuple[str, ...]] = ()
    """The columns that a run of this kind has in addition: those of `store.layout.OUTPUT_COLUMNS`."""

    def check(self, output: Tensor) -> None:
        """Raise InputError if outputs (n, ...) are not of this kind."""
        require_rows(self, output, (1, 2))

    def scores(self, output: Tensor, value: Output) -> Tensor:
        """Return the scores (n, K) of outputs (n, ...), of which `value` states what they are."""
        return output.unsqueeze(1) if output.dim() == 1 else output

    def name_scores(self, names: tuple[str, ...] | None, count: int) -> tuple[str, ...]:
        """Return the names of the scores: the given names of classes, or numbers.

        InputError: their number is another one.
        """
        if names is None:
            return tuple(map(str, range(count)))
        if len(names) != count:
            raise InputError(
                f"expected {count} class names, one for each of the outputs of kind {self.name}, got {len(names)}: "
                "give the names of all outputs by --labels labels.json (class_names=)"
            )
        return tuple(names)

    def predict(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """Return the predicted class of each explanation, (targets, n), NO_CLASS without one."""
        return torch.full_like(chosen, NO_CLASS)

    def confidence(self, scores: Tensor, chosen: Tensor, value: Output) -> Tensor:
        """Return the probability of what is predicted, (targets, n), NaN without one."""
        return torch.full(chosen.shape, torch.nan, device=chosen.device)

    def describe(self) -> str:
        """Return the kind with its parameters for users."""
        changed = [
            f"{part.name} {value}" for part in fields(self) if (value := getattr(self, part.name)) != part.default
        ]
        return ", ".join([self.name, *changed])

    def note(self, labels: GivenLabels) -> str:
        """Return a note for users on what is explained; empty if there is nothing to add."""
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the parameters as values that JSON can hold."""
        return {"name": self.name, "fields": {part.name: to_dict(getattr(self, part.name)) for part in fields(self)}}


def require_rows(kind: OutputKind, output: Tensor, axes: tuple[int, ...], shape: str = "(samples, outputs)") -> None:
    """Raise InputError unless outputs have this number of axes; `shape` describes it."""
    if output.dim() in axes:
        return
    raise InputError(
        f"the output kind {kind.name} needs outputs of shape {shape}, got {tuple(output.shape)}: choose the output of "
        "a model with several by output= (--output), or another output_kind= (--output-kind), such as dense for "
        "segmentation"
    )
