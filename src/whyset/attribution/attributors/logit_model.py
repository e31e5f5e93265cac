"""A model that returns the logits before the final softmax or sigmoid of another one."""

from typing import Any

from torch import Tensor

from whyset.attribution.attributors.final_activation import LastActivation
from whyset.attribution.attributors.transparent_model import TransparentModel


class LogitModel(TransparentModel):
    """The input of the last softmax or sigmoid of a model, for attributors that call a model many times.

    `confirmed` (n,) is true for the samples of the last call whose output is that of the last activation.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)).eval()
    >>> x, logits = torch.rand(5, 4), LogitModel(model)
    >>> torch.allclose(logits(x), model[0](x)), bool(logits.confirmed.all()), logits.get_submodule("0") is model[0]
    (True, True, True)
    """

    confirmed: Tensor | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the model and return the input of its last activation, shaped like its output."""
        with LastActivation() as mode:
            output: Tensor = self.wrapped(*args, **kwargs)
        self.confirmed = mode.confirm(output)
        logits: Tensor = mode.undo(output)
        return logits
