"""The values inside a model that have positions, recorded in one call: `(n, channels, *grid)` and other layouts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from whyset.attribution.attributors.cam.grid import PositionGrid
from whyset.attribution.attributors.cam.place import CalledOperation
from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.operations import Operation, OperationKind, canonical_name, find_operation, raw_name
from whyset.attribution.intercept.operations.images import ROWS as IMAGE_OPERATIONS
from whyset.attribution.intercept.operations.operation import Arithmetic, Descent
from whyset.attribution.intercept.scope import Scope

_IMAGE_NAMES = ("interpolate", *(row.name for row in IMAGE_OPERATIONS))
_RESAMPLING = frozenset(name for name in _IMAGE_NAMES if "pool" in name or "interp" in name or "sampl" in name)
"""Pools and resampling: their results have channels and positions, but are not features that a model computes."""

_ELEMENTWISE = frozenset(
    {
        *(Descent.FUNCTION, Descent.GUARD, Descent.LOG, Descent.POW, Descent.POWER, Descent.EXP, Descent.CAST),
        *(Descent.ADD, Descent.MULTIPLY, Descent.NEGATE, Descent.LARGER, Descent.SMALLER, Descent.SELECT),
    }
)
_COPIES = frozenset({Descent.VIEW, Descent.CAST})
"""Views, casts and copies: the value that they copy is the feature."""
_ELEMENTWISE_KINDS = frozenset({OperationKind.ACTIVATION, OperationKind.RELU, OperationKind.NORM})


@dataclass(frozen=True, eq=False)
class LayerValue:
    """A value with positions: where it was computed, and its layout.

    `is_feature` is false for pools and copies, and for parts of a block of a transformer, such as its queries and keys:
    only its norms and sums are features at positions.
    """

    tensor: Tensor
    grid: PositionGrid
    call: CalledOperation
    is_feature: bool

    @property
    def channels(self) -> int:
        return self.tensor.shape[-1 if self.grid.channels_last else 1]


class ValueTrace(TorchFunctionMode):
    """Record the values with positions that depend on an input, in the block of `record_values`.

    The layout of a value follows from the operations: convolutions and pools have their channels first, linear layers
    and layer norms last, and element-wise operations keep the layout of their arguments. Tokens have as many positions
    as a grid that was seen before, and those that are concatenated to them are recognized as prefix or suffix.
    """

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        super().__init__()
        self.scope, self.input_sides, self.samples = Scope(model), tuple(x.shape[2:]), len(x)
        self.grids: list[tuple[int, ...]] = [self.input_sides] if len(self.input_sides) == 1 else []
        self.tokens: dict[int, PositionGrid] = {}
        self.values: dict[int, LayerValue] = {}
        self.returned: defaultdict[str, list[Any]] = defaultdict(list)
        self._dependents: dict[int, Tensor] = {id(x): x}  # held, so that no other tensor gets the same id
        self._counts: Counter[tuple[str, str]] = Counter()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = tensors_in((args, kwargs))
        versions = [tensor._version for tensor in given]
        result = func(*args, **kwargs)
        depends = any(id(tensor) in self._dependents for tensor in given)
        if depends:
            self._dependents |= {id(tensor): tensor for tensor in tensors_in(result)}
        if not isinstance(result, Tensor):
            return result
        name = canonical_name(raw_name(func))
        path = self.scope.current()[0]
        call = CalledOperation(path, name, self._counts[path, name])
        self._counts[path, name] += 1
        is_unchanged = any(one is result and one._version == old for one, old in zip(given, versions, strict=True))
        if depends and result.is_floating_point() and not is_unchanged:
            self._add(result, call, given, args, kwargs)
        return result

    def list_values(self) -> list[LayerValue]:
        """Return the values in the order of their computation."""
        return list(self.values.values())

    def _add(
        self, result: Tensor, call: CalledOperation, given: Sequence[Tensor], args: Sequence[Any], kwargs: Any
    ) -> None:
        operation = find_operation(call.operation)
        is_batch = result.dim() > 2 and len(result) == self.samples
        grid = self._find_grid(result, operation, given, args, kwargs) if is_batch else None
        self.values.pop(id(result), None)  # a value that was changed in place is that of the later call
        if grid is None or grid.count < 2:
            return
        if not grid.tokens and grid.sides not in self.grids:
            self.grids.append(grid.sides)
        is_feature = operation.name not in _RESAMPLING and operation.descent not in _COPIES
        if grid.channels_last:
            is_feature = operation.kind is OperationKind.NORM or operation.arithmetic is Arithmetic.ADD
        self.values[id(result)] = LayerValue(result, grid, call, is_feature)

    def _find_grid(
        self, result: Tensor, operation: Operation, given: Sequence[Tensor], args: Sequence[Any], kwargs: Any
    ) -> PositionGrid | None:
        """Return the layout of a result; None if it has none, or none that is known."""
        sides, dims = tuple(result.shape[2:]), len(self.input_sides) + 2
        if result.dim() == dims and _has_channels_first(operation):
            return PositionGrid(sides)
        known = [self.values[id(one)] for one in given if id(one) in self.values]
        if operation.descent is Descent.JOIN:
            return self._join(result, given, known)
        if operation.descent is Descent.VIEW and known:
            keeps_channels = result.shape[-1] == known[0].channels
            seen = _view(result, known[0], operation, args, kwargs)
            return self._find_tokens(result) if seen is None and keeps_channels else seen
        if _is_elementwise(operation):
            for value in known:
                if value.tensor.shape == result.shape:
                    return value.grid
        if result.dim() == dims and dims > 3 and _has_channels_last(operation, args, kwargs):
            last = tuple(result.shape[1:-1])
            return PositionGrid(last, channels_last=True) if self._follows(last) else None
        return self._find_tokens(result)

    def _join(self, result: Tensor, given: Sequence[Tensor], known: Sequence[LayerValue]) -> PositionGrid | None:
        """Return the layout of joined values: of maps with more channels, or of tokens with others around them."""
        for value in known:
            if value.grid.fits(result):
                return value.grid
        for place, part in enumerate(given):
            found = self._find_tokens(part) if part.dim() == result.dim() == 3 else None
            if found is not None and part.shape[2] == result.shape[2]:
                prefix = found.prefix + sum(one.shape[1] for one in given[:place])
                suffix = found.suffix + sum(one.shape[1] for one in given[place + 1 :])
                joined = PositionGrid(found.sides, True, True, prefix, suffix)
                self.tokens[joined.length] = joined
                return joined
        return None

    def _find_tokens(self, value: Tensor) -> PositionGrid | None:
        """Return the layout of tokens (n, tokens, channels), if a grid has this number of positions."""
        if value.dim() != 3 or len(value) != self.samples:
            return None
        length = value.shape[1]
        if length not in self.tokens:
            sides = self._find_sides(length)
            if sides is None:
                return None
            self.tokens[length] = PositionGrid(sides, channels_last=True, tokens=True)
        return self.tokens[length]

    def _find_sides(self, length: int) -> tuple[int, ...] | None:
        """Return the grid with this number of positions: one that was seen, or patches of the input or of a grid."""
        for sides in reversed(self.grids):
            if torch.Size(sides).numel() == length:
                return sides
        for sides in [] if len(self.input_sides) == 1 else [*reversed(self.grids)] or [self.input_sides]:
            # Patches are merged by two; those of the input, where no convolution makes them, have any common side.
            for patch in [2] if self.grids else range(2, min(sides, default=2)):
                merged = tuple(-(-side // patch) for side in sides)
                if torch.Size(merged).numel() == length and (self.grids or not any(s % patch for s in sides)):
                    self.grids.append(merged)
                    return merged
        return None

    def guess_grid(self, value: Tensor) -> PositionGrid | None:
        """Return the layout that the shape of a value has, of a module whose operations are not seen."""
        if value.dim() != len(self.input_sides) + 2 or len(value) != self.samples or not value.is_floating_point():
            return self._find_tokens(value)
        first, last = tuple(value.shape[2:]), tuple(value.shape[1:-1])
        if self._follows(first) == self._follows(last):  # both or none
            return None
        return PositionGrid(first) if self._follows(first) else PositionGrid(last, channels_last=True)

    def _follows(self, sides: tuple[int, ...]) -> bool:
        """Check if a grid is one that was seen, or its merged patches."""
        if not self.grids:
            return all(0 < side <= whole for side, whole in zip(sides, self.input_sides, strict=True))
        return any(sides in (seen, tuple(-(-side // 2) for side in seen)) for seen in self.grids)


@contextmanager
def record_values(model: nn.Module, x: Tensor) -> Iterator[ValueTrace]:
    """Record the values with positions, and the results of modules, in a call of the model in this block."""
    trace = ValueTrace(model, x)
    with ExitStack() as stack:
        for path, module in model.named_modules():
            hook = module.register_forward_hook(lambda _, __, output, path=path: trace.returned[path].append(output))
            stack.callback(hook.remove)
        with trace:
            yield trace


def _view(
    result: Tensor, source: LayerValue, operation: Operation, args: Sequence[Any], kwargs: Any
) -> PositionGrid | None:
    """Return the layout of tokens that are reshaped to their grid, or of axes in another order."""
    grid = source.grid
    if grid.tokens:
        other = PositionGrid(grid.sides, channels_last=True)
        is_grid = other.fits(result) and len(grid.sides) > 1 and result.shape[-1] == source.channels
        return other if is_grid and grid.length == grid.count else None
    if operation.name != "permute":
        return grid if result.shape == source.tensor.shape and operation.name in ("reshape", "view") else None
    given = kwargs.get("dims", args[1:])
    given = given[0] if isinstance(given[0], Sequence) else given
    dims, axes = [dim % result.dim() for dim in given], list(range(result.dim()))
    first, last = [0, axes[-1], *axes[1:-1]], [0, *axes[2:], 1]
    if dims != (first if grid.channels_last else last):
        return None
    return PositionGrid(grid.sides, channels_last=not grid.channels_last)


def _has_channels_first(operation: Operation) -> bool:
    if operation.name in ("group_norm", "instance_norm") or operation.kind is OperationKind.BATCH_NORM:
        return True
    return operation.name in _RESAMPLING or (operation.kind is OperationKind.LINEAR and operation.name != "linear")


def _has_channels_last(operation: Operation, args: Sequence[Any], kwargs: Any) -> bool:
    if operation.name in ("layer_norm", "rms_norm"):
        normalized = args[1] if len(args) > 1 else kwargs.get("normalized_shape", ())
        return len(normalized) == 1
    return operation.name == "linear"


def _is_elementwise(operation: Operation) -> bool:
    if operation.contraction is not None:
        return False
    return operation.kind in _ELEMENTWISE_KINDS or operation.descent in _ELEMENTWISE
