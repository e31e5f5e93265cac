"""One logit for each label, of which a sample may have several."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.runner.output import Output
from whyset.runner.output_kinds.output_kind import OutputKind
from whyset.store.layout import OUTPUT_VALUE, PREDICTED


@dataclass(frozen=True)
class Multilabel(OutputKind):
    """Outputs (n, K) are independent logits of K labels: each row of the run explains one label of a sample.

    With the target "label" a sample has a row for each of its labels, with "prediction" for each label whose
    probability is above 1/2. `confidence` is the probability of the label of the row, and `predicted` is 1 where it is
    above 1/2. There is no single prediction to be compared with a label.

    >>> Multilabel().confidence(torch.tensor([[0.0, 9.0]]), torch.tensor([[0]]), Output.MODEL).tolist()
    [[0.5]]
    """

    name: ClassVar[str] = "multilabel"
    exclusive: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (OUTPUT_VALUE, PREDICTED)

    def confidence(self, scores: Tensor, chosen: Tensor, value: Output) -> Tensor:
        """Return the probability of the explained label."""
        found = scores.detach().float().gather(1, chosen.T).T
        if value is Output.PROBABILITIES:
            return found
        if value is Output.LOG_PROBABILITIES:
            return found.exp()
        return torch.nn.functional.hardsigmoid(found) if value is Output.HARD_SIGMOID else found.sigmoid()
