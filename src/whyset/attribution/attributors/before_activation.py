"""Explain the logit before the final softmax or sigmoid of a model instead of the probability."""

from typing import Any

from torch import Tensor

from whyset.attribution.attributors.final_activation import LastActivation
from whyset.attribution.attributors.gradient import Gradient


class BeforeActivation(Gradient):
    """A gradient attributor whose output is the input of the model's final softmax or sigmoid.

    Where a probability is close to 0 or 1 its gradient vanishes, and with it the relevance; that of the logit does not.
    `confirmed` (n,) is true for the samples of the last call whose output is that of the final activation; the results
    of the other samples are not valid.

    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)).eval()
    >>> attribute = BeforeActivation(model)
    >>> output, gradient = attribute(torch.rand(5, 4), target=1)
    >>> torch.equal(output.softmax(1).argmax(1), output.argmax(1)), bool(attribute.confirmed.all())
    (True, True)
    """

    confirmed: Tensor | None = None

    def run_model(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the model and return the input of its last softmax or sigmoid, shaped like its output."""
        with LastActivation() as mode:
            output = super().run_model(*args, **kwargs)
        self.confirmed = mode.confirm(output)
        logits: Tensor = mode.undo(output)
        return logits
