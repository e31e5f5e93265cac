"""One output that separates two classes."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.output import Output, compute_probabilities
from whyset.runner.output_kinds.logits import Logits
from whyset.runner.output_kinds.output_kind import require_rows


@dataclass(frozen=True)
class Binary(Logits):
    """One logit z: class 1 explains z, and class 0 explains -z.

    A probability p, whose logit is not found, gives the scores 1 - p and p.

    >>> Binary().scores(torch.tensor([[2.0], [-3.0]]), Output.MODEL).tolist()
    [[-2.0, 2.0], [3.0, -3.0]]
    """

    name: ClassVar[str] = "binary"

    def check(self, output: Tensor) -> None:
        """Raise InputError unless outputs are (n,) or (n, 1)."""
        require_rows(self, output, (1, 2))
        if output.dim() == 2 and output.shape[1] != 1:
            raise InputError(
                f"the output kind binary needs one output, got {output.shape[1]}: two outputs are those of two classes "
                "(output_kind='logits'), or choose one by output= (--output)"
            )

    def scores(self, output: Tensor, value: Output) -> Tensor:
        """Return the scores (n, 2) of both classes; the prediction changes where they are equal."""
        z = super().scores(output, value)
        threshold = {Output.PROBABILITIES: 0.5, Output.LOG_PROBABILITIES: math.log(0.5)}.get(value, 0.0)
        return torch.cat([2 * threshold - z if threshold else -z, z], dim=1)

    def predict(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """Return class 1 where its score is the higher one, otherwise class 0."""
        return (scores[:, 1] > scores[:, 0]).long().expand_as(chosen)

    def confidence(self, scores: Tensor, chosen: Tensor, value: Output) -> Tensor:
        """Return the larger of both probabilities."""
        return _probability(scores.detach().float(), value).expand(chosen.shape)

    def probabilities(self, scores: Tensor, value: Output) -> Tensor:
        """Return the probabilities of both classes (n, 2): the sigmoid of each score, not the softmax of both."""
        if value is Output.LOG_PROBABILITIES:  # only the score of class 1 is a logarithm
            p = scores[:, 1:].exp()
            return torch.cat([1 - p, p], dim=1)
        return compute_probabilities(scores, Output.SIGMOID if value is Output.MODEL else value)


def _probability(scores: Tensor, value: Output) -> Tensor:
    if value is Output.LOG_PROBABILITIES:
        p = scores[:, 1].exp()
        return torch.maximum(p, 1 - p)
    largest = scores.amax(dim=1)
    if value is Output.PROBABILITIES:
        return largest
    return torch.nn.functional.hardsigmoid(largest) if value is Output.HARD_SIGMOID else largest.sigmoid()
