"""A model that returns the logits before the final softmax or sigmoid of another one."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from whyset.attribution.attributors.final_activation import LastActivation


class LogitModel(nn.Module):
    """The input of the last softmax or sigmoid of a model, for attributors that call a model many times.

    Its modules have the paths and names of the wrapped model, so that layers are named as there. `confirmed` (n,) is
    true for the samples of the last call whose output is that of the last activation.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)).eval()
    >>> x, logits = torch.rand(5, 4), LogitModel(model)
    >>> torch.allclose(logits(x), model[0](x)), bool(logits.confirmed.all()), logits.get_submodule("0") is model[0]
    (True, True, True)
    """

    confirmed: Tensor | None = None

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.wrapped = model
        self.training = model.training  # not `train`, which would change the mode of its parts

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the model and return the input of its last activation, shaped like its output."""
        with LastActivation() as mode:
            output: Tensor = self.wrapped(*args, **kwargs)
        self.confirmed = mode.confirm(output)
        logits: Tensor = mode.undo(output)
        return logits

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield the modules of the wrapped model by their paths in it."""
        yield from self.wrapped.named_modules(memo, prefix, remove_duplicate)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the wrapped model, such as a layer."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "wrapped":
                raise
            return getattr(self.wrapped, name)
