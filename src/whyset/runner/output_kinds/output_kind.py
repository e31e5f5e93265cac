"""The base of the output kinds: from the output of a model to scores that can be explained."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from whyset.attribution.attributors.model_output import find_choice
from whyset.attribution.named_part import NamedPart
from whyset.errors import InputError
from whyset.runner.output import Output
from whyset.runner.sources.given_labels import GivenLabels

NO_CLASS = -1
"""The prediction where a model does not predict one class, as it is stored."""


@dataclass(frozen=True)
class OutputKind(NamedPart):
    """Base of the kinds of outputs; the fields of a kind are its parameters.

    A kind turns the output of the model into `scores` (n, K): each column is a value that can be explained. A new kind
    is a subclass with a `name`, and a line in the table `OUTPUT_KINDS`.
    """

    exclusive: ClassVar[bool] = True
    """True if each sample has one class, so that labels are classes and predictions are compared with them."""
    has_classes: ClassVar[bool] = True
    """True if outputs are scores of classes, so that the logit before a last softmax or sigmoid is explained."""
    columns: ClassVar[tuple[str, ...]] = ()
    """The columns that a run of this kind has in addition: those of `store.layout.OUTPUT_COLUMNS`."""

    def find_choice(self, returned: Any) -> str | int | None:
        """Find the output to explain in what the model returns; None for a tensor. InputError: it is not unique."""
        return find_choice(returned)

    def find(self, output: Tensor, labels: GivenLabels, names: tuple[str, ...] | None) -> "OutputKind":
        """Return the kind for outputs (n, ...), labels and names of classes: this one, unless it is to be found."""
        return self

    def check(self, output: Tensor) -> None:
        """Raise InputError if outputs (n, ...) are not of this kind."""
        require_rows(self, output, (1, 2))

    def scores(self, output: Tensor, value: Output) -> Tensor:
        """Return the scores (n, K) of outputs (n, ...), of which `value` states what they are."""
        return output.unsqueeze(1) if output.dim() == 1 else output

    def count_classes(self, scores: Tensor) -> int:
        """Return the number of classes, or other values, that scores (n, K) are of."""
        return scores.shape[1]

    def count_scores(self, scores: Tensor) -> int:
        """Return the number of scores of a row of the run, from those (n, K) of samples."""
        return scores.shape[1]

    def get_classes(self, columns: Tensor) -> Tensor:
        """Return the class, as it is stored, of columns of the scores."""
        return columns

    def predict(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """Return the predicted class of each explanation, (targets, n), NO_CLASS without one."""
        return torch.full_like(chosen, NO_CLASS)

    def confidence(self, scores: Tensor, chosen: Tensor, value: Output) -> Tensor:
        """Return the probability of what is predicted, (targets, n), NaN without one."""
        return torch.full(chosen.shape, torch.nan, device=chosen.device)


def require_rows(kind: OutputKind, output: Tensor, axes: tuple[int, ...], shape: str = "(samples, outputs)") -> None:
    """Raise InputError unless outputs have this number of axes; `shape` describes it."""
    if output.dim() in axes:
        return
    raise InputError(
        f"the output kind {kind.name} needs outputs of shape {shape}, got {tuple(output.shape)}: choose the output of "
        "a model with several by output= (--output), or another output_kind= (--output-kind), such as dense for "
        "segmentation and boxes for detectors"
    )
