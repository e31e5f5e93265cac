"""Choice of the composite for `composite="auto"`, by the operations of the model and the modality."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whyset.attribution.intercept.operations import Loss, OperationKind, canonical_name, find_operation, raw_name
from whyset.modality import MODALITIES

# Without rows in the table: the first is Python code that an attribution runs step by step, and the second, for models
# that are not trained, is never called within one.
LAYERS_WITH_ATTENTION = ("multi_head_attention_forward", "_transformer_encoder_layer_fwd")
SOFTMAXES = (Loss.SOFTMAX, Loss.SOFTMIN, Loss.LOG_SOFTMAX)


@dataclass(frozen=True)
class DefaultComposite:
    """The name of a composite, and why it was chosen."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"composite: {self.name} (chosen because of {self.reason})"


class OperationNames(TorchFunctionMode):
    """Records the names of the torch functions that run in its `with` block, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.append(canonical_name(raw_name(func)))
        return func(*args, **(kwargs or {}))


def choose_composite(model: torch.nn.Module, x: Tensor, modality: str) -> DefaultComposite:
    """Choose a composite by one forward pass of `x`.

    Attention takes AttnLRP, which has rules for softmax and products. Convolutions on images and volumes take
    EpsilonPlusFlat.
    Everything else takes EpsilonPlus: Flat at the first layer gives all columns of a table the same relevance, since it
    does not look at the input.

    >>> choose_composite(torch.nn.Linear(4, 2), torch.rand(1, 4), "table").name
    'epsilon_plus'
    """
    with torch.no_grad(), OperationNames() as recorded, suppress(Exception):  # the probe reports a model that fails
        model(x)
    names = recorded.names
    if has_attention(names):
        return DefaultComposite("attn_lrp", "attention in the model")
    first = next((name for name in names if find_operation(name).kind is OperationKind.LINEAR), "")
    kind = MODALITIES[modality]
    if kind.inputs == "pixels" and first.startswith("conv"):
        return DefaultComposite("epsilon_plus_flat", f"convolutions on {kind.plural}")
    what = (
        f"{kind.plural} without a convolution in front" if kind.inputs == "pixels" else f"inputs of modality {modality}"
    )
    return DefaultComposite("epsilon_plus", f"{what} and no attention")


def has_attention(names: Sequence[str]) -> bool:
    """True if attention runs: fused, or as a softmax whose result is multiplied before the next layer with weights."""
    weighs = False
    for name in names:
        operation = find_operation(name)
        if operation.kind is OperationKind.ATTENTION or name in LAYERS_WITH_ATTENTION:
            return True
        if weighs and operation.contraction is not None:
            return True
        if operation.loss in SOFTMAXES:
            weighs = True
        elif operation.kind is OperationKind.LINEAR:
            weighs = False
    return False
