"""Explain the value before a model's final softmax or sigmoid, the logit, instead of the probability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.intercept.operations import canonical_name, is_in_place, raw_name
from whyset.errors import InputError

FINAL_ACTIVATIONS: Mapping[str, str] = MappingProxyType(
    {
        "softmax": "softmax",
        "_softmax": "softmax",
        "special_softmax": "softmax",
        "log_softmax": "log_softmax",
        "special_log_softmax": "log_softmax",
        "sigmoid": "sigmoid",
        "special_expit": "sigmoid",
        "expit": "sigmoid",
        "logsigmoid": "logsigmoid",
        "log_sigmoid": "logsigmoid",
    }
)
"""Names of torch functions that make probabilities, or their logarithms, of logits."""

_TOLERANCE = 1e-5
"""A model may clamp its probabilities, or change their type, before it returns them."""


@dataclass(frozen=True, eq=False)
class Activation:
    """One call of an activation: its name in `FINAL_ACTIVATIONS`, its input and its output."""

    name: str
    before: Tensor
    after: Tensor

    def gives(self, output: object) -> bool:
        """Whether the model's output is what this call returned, up to its shape, its type and a clamp."""
        if not isinstance(output, Tensor) or output.numel() != self.after.numel():
            return False
        after = self.after.detach().reshape(output.shape).to(output)
        return torch.allclose(after, output.detach(), rtol=0, atol=_TOLERANCE, equal_nan=True)


class LastActivation(TorchFunctionMode):
    """Inside its `with` block it remembers the last softmax or sigmoid that runs, called as a module or a function."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Activation | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        raw = raw_name(func)
        name = FINAL_ACTIVATIONS.get(canonical_name(raw))
        before = args[0] if args else kwargs.get("input", kwargs.get("self"))
        if name is None or not isinstance(before, Tensor):
            return func(*args, **kwargs)
        before = before.clone() if is_in_place(raw) else before  # its output replaces its input
        result = func(*args, **kwargs)
        self.last = Activation(name, before, result)
        return result

    def find(self, output: object) -> Activation | None:
        """The last activation, if the model's output is what it returned."""
        return self.last if self.last is not None and self.last.gives(output) else None


class BeforeActivation(Gradient):
    """A gradient attributor whose output is the input of the model's final softmax or sigmoid.

    Where a probability is close to 0 or 1 its gradient vanishes, and with it the relevance; that of the logit does not.

    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)).eval()
    >>> output, gradient = BeforeActivation(model)(torch.rand(5, 4), target=1)
    >>> torch.equal(output.softmax(1).argmax(1), output.argmax(1))
    True
    """

    def run_model(self, x: Tensor) -> Tensor:
        """Run the model; InputError: its output is not what its last softmax or sigmoid returns."""
        with LastActivation() as mode:
            output: Tensor = self.model(x)
        found = mode.find(output)
        if found is None:
            raise InputError(
                f"the output of {type(self.model).__name__} is not what a softmax or sigmoid returns for this input: "
                "give a model that returns logits"
            )
        logits: Tensor = found.before.reshape(output.shape)
        return logits
