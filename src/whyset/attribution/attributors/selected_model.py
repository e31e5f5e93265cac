"""A model that returns one of the tensors that another one returns."""

from typing import Any

from torch import Tensor, nn

from whyset.attribution.attributors.model_output import OutputChoice, select_output
from whyset.attribution.attributors.transparent_model import TransparentModel


class SelectedModel(TransparentModel):
    """The chosen output of a model that returns a mapping, a sequence or a dataclass.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    choice : str, int or callable
        The name or the index of the output, or a function that selects the tensor from what the model returns.
    """

    def __init__(self, model: nn.Module, choice: OutputChoice) -> None:
        super().__init__(model)
        self.choice = choice

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the model and return the chosen tensor."""
        return select_output(self.wrapped(*args, **kwargs), self.choice)
