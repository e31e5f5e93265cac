"""What a session remembers about tensors: whether they depend on the marked input, and who made them.

Nothing is stored on the tensors. A memory is void when the tensor's version counter moved: somebody has written into it
since.
"""

import weakref
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from whyset.attribution.intercept.layers import LinearOutput
from whyset.errors import UnseenOperationError


@dataclass(frozen=True)
class TensorRecord:
    """What is known of one tensor.

    `behind_linear`: a linear operation that depends on the input lies upstream. `twin`: the relevance twin of a tensor
    that is still the marked input, only viewed, padded, cast or scaled, or the output of an element-wise function, only
    viewed. `produced`: the linear operation that made it,
    for a batch norm to merge with. `gate`: an activation or a softmax made it, so that it acts as a gate where it is
    multiplied with something else. `kept`: a tensor that a rule has saved and that shares this one's memory.
    `recorded`: the relevance that arrives here is asked for. `aliases`: views of this tensor.
    """

    dependent: bool = True
    behind_linear: bool = False
    gate: bool = False
    twin: Tensor | None = None
    produced: LinearOutput | None = None
    kept: Tensor | None = None
    recorded: bool = False
    aliases: tuple["weakref.ref[Tensor]", ...] = ()
    version: int = 0


CONSTANT = TensorRecord(dependent=False)


@dataclass
class Tracker:
    """The memory of one session. `marks` are the graph nodes of marked inputs, `ends` those of the model's finished
    outputs.
    """

    marks: Any = field(default_factory=weakref.WeakSet)
    ends: Any = field(default_factory=weakref.WeakSet)
    records: Any = field(default_factory=WeakTensorKeyDictionary)

    def set(self, tensor: Tensor, record: TensorRecord) -> None:
        self.records[tensor] = replace(record, version=tensor._version)

    def forget(self, tensor: Tensor) -> TensorRecord | None:
        record: TensorRecord | None = self.records.pop(tensor, None)
        return record

    def ask_for(self, tensor: Tensor) -> None:
        """Remember that the relevance of this tensor is asked for."""
        record: TensorRecord | None = self.records.get(tensor)
        if record is not None:
            self.records[tensor] = replace(record, recorded=True)

    def get(self, tensor: Tensor) -> TensorRecord:
        """Give what is known of a tensor; the record of a constant if it does not depend on the marked input.

        Raises UnseenOperationError if it carries gradient from the marked input and its producer was not seen.
        """
        record: TensorRecord | None = self.records.get(tensor)
        if record is None:
            return self._of_stranger(tensor)
        if record.version != tensor._version:
            return replace(record, twin=None, produced=None)
        return record

    def add_alias(self, tensor: Tensor, alias: Tensor) -> None:
        record = self.records.get(tensor)
        if record is not None and alias is not tensor:
            self.records[tensor] = replace(record, aliases=(*record.aliases, weakref.ref(alias)))

    def _of_stranger(self, tensor: Tensor) -> TensorRecord:
        if tensor.grad_fn is None:
            return CONSTANT
        if tensor._base is not None and tensor._base in self.records:
            return self.get(tensor._base)
        if tensor.grad_fn in self.ends or not self.reaches_mark(tensor.grad_fn):
            self.set(tensor, CONSTANT)
            return CONSTANT
        raise UnseenOperationError(
            f"a tensor of shape {tuple(tensor.shape)} made by {type(tensor.grad_fn).__name__} carries gradient from "
            "the input, but the operation "
            "that made it could not be seen. Scripted, traced and compiled modules, checkpoints, custom autograd "
            "functions and "
            "extensions hide what they compute: use the plain Python module instead"
        )

    def reaches_mark(self, grad_fn: Any) -> bool:
        """Walk the autograd graph: is the marked input behind this node, and no finished output in between?"""
        seen, waiting = {grad_fn, *self.ends}, [grad_fn]
        while waiting:
            node = waiting.pop()
            if node in self.marks:
                return True
            for parent, _ in node.next_functions:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False


def carries_gradient(tensor: Tensor) -> bool:
    return tensor.requires_grad and (tensor.is_floating_point() or tensor.is_complex())


def same_memory(a: Tensor, b: Tensor) -> bool:
    return a.layout == b.layout == torch.strided and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
