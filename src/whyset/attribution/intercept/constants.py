"""Constants at which relevance would end in silence: tensors from outside of the model, and values under `no_grad`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.operations import Descent, Integers
from whyset.attribution.intercept.tensor_map import TensorMap

_FOREIGN = (
    "a floating point tensor that is not a parameter, a buffer or a result of this forward pass is joined to values of "
    "the input. It is a constant: its relevance is lost, and the ledger counts it as such. If it is a cache of keys "
    "and values of earlier tokens, pass all tokens in one call instead"
)
_CUT = (
    "a value that the model computes from the input under torch.no_grad() is a constant here: relevance through it is "
    "lost, and the ledger counts it as such. Compute it with gradients; a cache of keys and values needs them, too"
)


@dataclass
class Constants:
    """The constants of one forward pass: those that it computes, and those that it computes from the input.

    A constant that is neither computed nor held by the model is foreign, such as a cache of earlier tokens.
    """

    model: nn.Module | None
    _computed: TensorMap[bool] = field(default_factory=TensorMap)
    _cut: TensorMap[bool] = field(default_factory=TensorMap)
    _held: set[int] | None = None
    _masks: TensorMap[frozenset[int]] = field(default_factory=TensorMap)

    @property
    def has_masks(self) -> bool:
        return len(self._masks) > 0

    def mask_origins(self, value: Any) -> frozenset[int]:
        """Return the origins of the tensors that a mask was computed from, empty for another value."""
        return (self._masks.get(value) if isinstance(value, Tensor) else None) or frozenset()

    def add(self, result: Any, arguments: Any = ()) -> None:
        """Note the result of a call of constants, which is of the kind of its arguments."""
        given = tensors_in(arguments)
        if self._masks:
            self._add_masks(result, frozenset[int]().union(*map(self.mask_origins, given)))
        if self._cut and any(tensor in self._cut for tensor in given):
            self._add_cut(result)
        elif self._find_foreign(given) is None:
            for tensor in tensors_in(result):
                if tensor.is_floating_point():
                    self._computed[tensor] = True

    def follow(self, call: Call, result: Any) -> None:
        """Note the results of a call of values that depend on the input, if they carry no gradient."""
        lost = [tensor for tensor in tensors_in(result) if not tensor.requires_grad]
        lineages = [call.records[id(tensor)].lineage for tensor in call.dependents]
        origins = frozenset[int]().union(*(lineage.origins for lineage in lineages if lineage is not None))
        self._add_masks([tensor for tensor in lost if tensor.dtype == torch.bool], origins)
        if torch.is_grad_enabled() or Integers.CREATES in call.operation.integers:
            self.add(lost)
        else:
            self._add_cut(lost)

    def explain_loss(self, call: Call) -> str:
        """Return the warning for the constants that a call combines with values of the input, "" without one."""
        joins = call.operation.descent is Descent.JOIN
        if not (joins or self._cut):
            return ""
        known = [tensor for tensor in call.tensors if tensor.is_floating_point() and not call.depends(tensor)]
        if joins and self._find_foreign(known) is not None:
            return _FOREIGN
        return _CUT if torch.is_grad_enabled() and any(tensor in self._cut for tensor in known) else ""

    def _add_masks(self, result: Any, origins: frozenset[int]) -> None:
        if origins:
            for tensor in tensors_in(result):
                self._masks[tensor] = origins

    def _add_cut(self, result: Any) -> None:
        for tensor in tensors_in(result):
            if tensor.is_floating_point():
                self._cut[tensor] = True

    def _find_foreign(self, tensors: Iterable[Tensor]) -> Tensor | None:
        if self.model is None:
            return None
        return next((tensor for tensor in tensors if self._is_foreign(tensor)), None)

    def _is_foreign(self, tensor: Tensor) -> bool:
        if not tensor.is_floating_point() or not tensor.dim() or not tensor.numel():  # an empty cache, or a scale
            return False
        if tensor.requires_grad or tensor in self._computed or tensor in self._cut:
            return False
        if tensor.layout != torch.strided or tensor.is_meta:
            return False
        if self._held is None:
            assert self.model is not None
            held = (*self.model.parameters(), *self.model.buffers())
            self._held = {_address(one) for one in held if one.layout == torch.strided and not one.is_meta}
        return _address(tensor) not in self._held


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
