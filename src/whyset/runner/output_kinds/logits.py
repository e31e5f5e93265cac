"""Scores of exclusive classes."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.runner.output import Output, compute_confidence, compute_probabilities
from whyset.runner.output_kinds.output_kind import OutputKind


@dataclass(frozen=True)
class Logits(OutputKind):
    """Outputs (n, K) are the scores of K classes, of which a sample has one; the highest is the prediction.

    For a model that ends in softmax or sigmoid, the values before it are explained.

    >>> Logits().describe()
    'logits'
    """

    name: ClassVar[str] = "logits"

    def predict(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """Return the class with the highest score."""
        return scores.detach().argmax(dim=1).expand_as(chosen)

    def confidence(self, scores: Tensor, chosen: Tensor, value: Output) -> Tensor:
        """Return the probability of the prediction."""
        return compute_confidence(scores, value).expand(chosen.shape)

    def probabilities(self, scores: Tensor, value: Output) -> Tensor:
        """Return the probability of each class (n, K) from its scores."""
        return compute_probabilities(scores, value)


@dataclass(frozen=True)
class Probabilities(Logits):
    """Outputs are probabilities, which are explained before the softmax or sigmoid that computes them.

    >>> Probabilities().describe()
    'probabilities'
    """

    name: ClassVar[str] = "probabilities"
