"""Records of a session about tensors: dependence on the marked input, and the operation that computed them.

Nothing is stored on the tensors. A record is outdated if the version counter of the tensor, which counts in-place
writes, has changed since.
"""

import itertools
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.exponentials import Held
from whyset.attribution.intercept.frozen import change
from whyset.attribution.intercept.layers import LinearOutput
from whyset.attribution.intercept.lineage import Lineage, root
from whyset.attribution.intercept.refusals import describe_hidden
from whyset.attribution.intercept.tensor_map import TensorMap
from whyset.errors import UnseenOperationError


@dataclass(frozen=True)
class TensorRecord:
    """The record of one tensor.

    `behind_linear`: a linear operation that depends on the input is upstream. `twin`: the relevance twin of a tensor
    that is the marked input, only viewed, padded, cast or scaled, or the output of an element-wise function, only
    viewed. `produced`: the linear operation that computed it, to be merged with a batch norm or a ReLU. `kept`: a
    tensor that a rule has saved and that shares the memory of this one. `recorded`: the relevance of this tensor will
    be recorded. `aliases`: views of this tensor. `lineage`: how it follows from its roots. `version`: the version
    counter of the tensor when the record was made.
    """

    dependent: bool = True
    behind_linear: bool = False
    twin: Tensor | None = None
    produced: LinearOutput | None = None
    kept: Tensor | None = None
    recorded: bool = False
    aliases: tuple["weakref.ref[Tensor]", ...] = ()
    lineage: Lineage | None = None
    version: int = 0


CONSTANT = TensorRecord(dependent=False)


@dataclass
class Tracker:
    """The records of one session.

    `marks` are the graph nodes of marked inputs, `ends` those of the outputs of the model. `values` numbers the values
    of tensors, `images` holds element-wise functions at offsets. `held` finds what lineages hold of a tensor.
    """

    marks: Any = field(default_factory=weakref.WeakSet)
    ends: Any = field(default_factory=weakref.WeakSet)
    records: TensorMap[TensorRecord] = field(default_factory=TensorMap)
    values: "itertools.count[int]" = field(default_factory=itertools.count)
    images: dict[Any, Any] = field(default_factory=dict)
    held: TensorMap["weakref.ref[Held]"] = field(default_factory=TensorMap)

    def set(self, tensor: Tensor, record: TensorRecord) -> None:
        lineage = root(next(self.values)) if record.lineage is None and record.dependent else record.lineage
        if lineage is not record.lineage or record.version != tensor._version:
            record = change(record, lineage=lineage, version=tensor._version)
        self.records[tensor] = record

    def forget(self, tensor: Tensor) -> TensorRecord | None:
        return self.records.pop(tensor)

    def hold(self, tensor: Tensor) -> Held:
        """Return a reference to a tensor that follows its values to another object."""
        known = self.held.get(tensor)
        held = None if known is None else known()
        if held is None:
            held = Held(tensor)
            self.held[tensor] = weakref.ref(held)
        return held

    def copy_held(self, memory: Tensor) -> None:
        """Copy the held tensors of a memory that a call is about to write into."""
        for reference in self.held.values():
            held = reference()
            if held is not None and same_memory(held.tensor, memory):
                self.held.pop(held.tensor)
                held.tensor = held.tensor.clone()

    def forget_held(self, tensor: Tensor) -> Held | None:
        known = self.held.pop(tensor)
        return None if known is None else known()

    def move_held(self, held: Held | None, tensor: Tensor) -> None:
        """Note that another tensor object has the values that are held."""
        if held is not None:
            held.tensor = tensor
            self.held[tensor] = weakref.ref(held)

    def ask_for(self, tensor: Tensor) -> None:
        """Note that the relevance of this tensor will be recorded."""
        record = self.records.get(tensor)
        if record is not None:
            self.records[tensor] = change(record, recorded=True)

    def get(self, tensor: Tensor) -> TensorRecord:
        """Return the record of a tensor; CONSTANT if it does not depend on the marked input.

        UnseenOperationError: it carries gradient from the marked input, but the operation that computed it was not
        seen.
        """
        record = self.records.get(tensor)
        if record is None:
            return self._of_stranger(tensor)
        if record.version != tensor._version:
            # Written into by a call that was not seen: it still depends on the input, but has other values.
            return change(record, twin=None, produced=None, lineage=None)
        return record

    def add_alias(self, tensors: Sequence[Tensor], alias: Tensor) -> None:
        """Note that a tensor shares the memory of those of others that it shares it with."""
        for tensor in tensors:
            record = self.records.get(tensor)
            if record is not None and same_memory(tensor, alias):
                self.records[tensor] = change(record, aliases=(*record.aliases, weakref.ref(alias)))

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
            f"the input, but the operation that made it could not be seen: {describe_hidden(tensor.grad_fn)}"
        )

    def reaches_mark(self, grad_fn: Any) -> bool:
        """Check if the autograd graph leads from this node to a marked input, not through an output of the model."""
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
    return a.layout == b.layout == torch.strided and torch._C._is_alias_of(a, b)  # type: ignore[attr-defined]
