"""The log-odds of a class, from the scores of a model."""

from dataclasses import dataclass

import torch
from torch import Tensor

from whyset.errors import WhysetError
from whyset.runner.output import Output
from whyset.runner.output_kinds import Binary, OutputKind

_MOST = 1e6
"""Log-odds of probabilities that are rounded to 0 or 1."""


@dataclass(frozen=True)
class LogOdds:
    """Log-odds `log(p / (1 − p))` of a class from scores (n, K), of which `value` states what they are."""

    kind: OutputKind
    value: Output

    def __call__(self, scores: Tensor, label: int) -> Tensor:
        """Return the log-odds of a class, (n,); WhysetError: a score is NaN."""
        if bool(scores.isnan().any()):
            raise WhysetError("the model returns NaN for a changed input")
        one = scores[:, label]
        if self.value is Output.PROBABILITIES:
            found = torch.logit(one)
        elif self.value is Output.LOG_PROBABILITIES:
            found = one - torch.log(-torch.expm1(one))
        elif isinstance(self.kind, Binary) or self.value in (Output.SIGMOID, Output.LOG_SIGMOID, Output.HARD_SIGMOID):
            found = one
        else:
            others = torch.cat([scores[:, :label], scores[:, label + 1 :]], 1)
            found = one - others.logsumexp(1)
        return found.clamp(-_MOST, _MOST)
