"""Linear operations for rules: forward and transpose with any weight, and weights derived once per context."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from whyset.attribution.intercept.autograd import SavedOutput, at_least_float32
from whyset.attribution.intercept.frozen import change
from whyset.attribution.rules import Rule
from whyset.errors import WhysetError

FEW_CHANNELS = 4


@dataclass(frozen=True)
class Geometry:
    """The geometry of a convolution."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int


@dataclass(frozen=True)
class _Derived:
    """A derived weight and its sources; the first source is the key of the cache."""

    others: tuple[Tensor, ...]
    states: tuple[tuple[object, ...], ...]
    weight: Tensor

    def holds_for(self, others: tuple[Tensor, ...], states: tuple[tuple[object, ...], ...]) -> bool:
        same = len(others) == len(self.others) and all(a is b for a, b in zip(others, self.others, strict=True))
        return same and states == self.states


@dataclass
class WeightCache:
    """Weights derived from parameters (merged with a batch norm, W⁺, W⁻, |W|), computed once per context.

    An entry is valid as long as its sources are the same tensors at the same version, in the same memory. It is removed
    with its first source, for example a weight that a parametrization computes in every call. Nothing is cached while
    gradients of the relevance are recorded, because the derived weight is then part of a graph.
    """

    entries: Any = field(default_factory=WeakTensorKeyDictionary)

    def derive(self, name: str, sources: tuple[Tensor, ...], compute: Callable[[], Tensor]) -> Tensor:
        if torch.is_grad_enabled() or any(source.grad_fn is not None for source in sources):
            return compute()
        first, *others = sources
        # In-place writes, as by an optimizer, increase the version. `parameter.data = ...` and `model.to(...)` do not:
        # they change the address or the type.
        states = tuple((source._version, source.data_ptr(), source.dtype) for source in sources)
        kept: dict[str, _Derived] = self.entries.setdefault(first, {})
        found = kept.get(name)
        if found is None or not found.holds_for(tuple(others), states):
            found = kept[name] = _Derived(tuple(others), states, compute())
        return found.weight


@dataclass(frozen=True)
class BatchNorm:
    """A batch norm in eval mode as `y · scale + shift` per output."""

    mean: Tensor
    variance: Tensor
    gain: Tensor | None
    offset: Tensor | None
    eps: float

    @property
    def sources(self) -> tuple[Tensor, ...]:
        return tuple(t for t in (self.mean, self.variance, self.gain, self.offset) if t is not None)

    def scale(self) -> Tensor:
        inverse = torch.rsqrt(at_least_float32(self.variance) + self.eps)
        return inverse if self.gain is None else inverse * self.gain

    scales: ClassVar[bool] = True
    shifts: ClassVar[bool] = True

    @property
    def key(self) -> str:
        return f"batch norm {self.eps}"

    def shift(self, bias: Tensor | None) -> Tensor:
        centered = (0 if bias is None else bias) - self.mean
        return centered * self.scale() + (0 if self.offset is None else self.offset)


@dataclass(frozen=True)
class Constant:
    """A constant per output that is added to y, subtracted ("sub"; "rsub" from it), multiplied or divided by."""

    operand: Tensor
    operation: str

    @property
    def sources(self) -> tuple[Tensor, ...]:
        return (self.operand,)

    @property
    def key(self) -> str:
        return self.operation

    @property
    def scales(self) -> bool:
        return self.operation not in ("add", "sub")

    @property
    def shifts(self) -> bool:
        return self.operation not in ("mul", "div")

    def scale(self) -> Tensor | None:
        value = at_least_float32(self.operand.flatten())
        if self.operation == "mul":
            return value
        if self.operation == "div":
            return value.reciprocal()
        return -torch.ones_like(value) if self.operation == "rsub" else None

    def shift(self, bias: Tensor | None) -> Tensor | None:
        value, scale = at_least_float32(self.operand.flatten()), self.scale()
        scaled = bias if bias is None or scale is None else bias * scale
        if not self.shifts:
            return scaled
        added = -value if self.operation == "sub" else value
        return added if scaled is None else scaled + added


Affine = BatchNorm | Constant


@dataclass(frozen=True)
class LinearLayer:
    """One call of a linear operation, `y = Wx + b`, merged with batch norms and constants after it."""

    parameter: Tensor
    offset: Tensor | None
    geometry: Geometry | None
    input_shape: torch.Size
    cache: WeightCache
    affines: tuple[Affine, ...] = ()
    x: Tensor | None = None
    rectified: bool = False

    def at(self, x: Tensor) -> "LinearLayer":
        """Return the operation with its input, for one backward step."""
        if self.x is not None:
            raise WhysetError("this linear operation has an input already, and what is derived from it")
        return change(self, x=x.detach())

    @property
    def input(self) -> Tensor:
        if self.x is None:
            raise WhysetError("a linear operation needs its input for a backward step: use layer.at(x)")
        return self.x

    @cached_property
    def nonnegative(self) -> bool:
        return self.input.numel() == 0 or bool(self.input.amin() >= 0)

    @property
    def sources(self) -> tuple[Tensor, ...]:
        return (self.parameter, *(source for affine in self.affines for source in affine.sources))

    @property
    def _key(self) -> str:
        return " ".join(affine.key for affine in self.affines)

    @property
    def weight(self) -> Tensor:
        if not any(affine.scales for affine in self.affines) and self.parameter.dtype.itemsize >= 4:
            return self.parameter  # an entry that holds its own source would never be removed
        return self._derive("weight", lambda weight: weight)

    def _merge(self) -> Tensor:
        weight = at_least_float32(self.parameter)
        for affine in self.affines:
            scale = affine.scale()
            weight = weight if scale is None else self._scale(weight, scale)
        return weight

    def _scale(self, weight: Tensor, scale: Tensor) -> Tensor:
        if self.geometry is None or not self.geometry.transposed:
            return weight * scale.view(-1, *[1] * (weight.dim() - 1))
        # The weight of a transposed convolution is (in, out / groups, ...): scales of a group are along dimension 1.
        groups = self.geometry.groups
        grouped = weight.reshape(groups, -1, *weight.shape[1:]) * scale.view(groups, 1, -1, *[1] * (weight.dim() - 2))
        return grouped.view_as(weight)

    @property
    def bias(self) -> Tensor | None:
        if not self.affines:
            return None if self.offset is None else at_least_float32(self.offset)
        if self.offset is None and not any(affine.shifts for affine in self.affines):
            return None
        sources = self.sources[1:] if self.offset is None else (self.offset, *self.sources[1:])
        return self.cache.derive(f"bias {self._key}", sources, self._shift)

    def _shift(self) -> Tensor:
        bias = self.offset
        for affine in self.affines:
            bias = affine.shift(bias)
        assert bias is not None
        return bias

    @property
    def positive(self) -> Tensor:
        return self._derive("positive", lambda w: w.clamp(min=0))

    @property
    def negative(self) -> Tensor:
        return self._derive("negative", lambda w: w.clamp(max=0))

    @property
    def absolute(self) -> Tensor:
        return self._derive("absolute", torch.abs)

    def strengthen(self, gamma: float) -> Tensor:
        return self._derive(f"strengthened {gamma}", lambda w: w.clamp(min=0).mul_(gamma).add_(w))

    def _derive(self, name: str, compute: Callable[[Tensor], Tensor]) -> Tensor:
        # The merged weight from which W⁺ or |W| is computed is not cached, to save the memory of another weight.
        return self.cache.derive(f"{name} {self._key}", self.sources, lambda: compute(self._merge()))

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Apply the operation with another weight of the same shape, and with a bias shaped like y or without one."""
        bias = None if bias is None else bias.flatten()
        if self.geometry is None:
            return F.linear(x.to(weight.dtype), weight, bias)
        return _convolution(x.to(weight.dtype), weight, self.geometry, bias)

    def output(self, x: Tensor) -> Tensor:
        """Compute y = Wx + b."""
        return self.forward(x, self.weight, self.bias)

    def transpose(self, s: Tensor, weight: Tensor) -> Tensor:
        """Apply the transposed operation: the vector-Jacobian product of `forward` with `s`."""
        if self.geometry is None:
            return s.to(weight.dtype) @ weight
        return self._transpose(s.to(weight.dtype), self.input.to(weight.dtype), weight, self.geometry)

    def transpose_each(self, s: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        """Apply several transposed operations to one s.

        For an input with few channels, such as pixels, it is one operation, because reading s takes most of the time.
        """
        g = self.geometry
        if g is None or g.transposed or g.groups > 1 or self.parameter.shape[1] > FEW_CHANNELS:
            return tuple(self.transpose(s, weight) for weight in weights)
        stacked = torch.cat(weights, 1)
        x = stacked.new_empty((s.shape[0], stacked.shape[1], *self.input_shape[2:]))
        return self._transpose(s.to(stacked.dtype), x, stacked, g).chunk(len(weights), 1)

    def _transpose(self, s: Tensor, x: Tensor, weight: Tensor, g: Geometry) -> Tensor:
        """Return the gradient for x; only the shape of x is used."""
        mask = [True, False, False]
        gradient = torch.ops.aten.convolution_backward(
            s, x, weight, None, g.stride, g.padding, g.dilation, g.transposed, g.output_padding, g.groups, mask
        )
        return gradient[0]  # type: ignore[no-any-return]

    def forward_ones(self, like: Tensor) -> Tensor:
        """Apply the operation with all weights 1 to an input of ones: the number of inputs of each output."""
        if self.geometry is None:
            return like.new_full((1,), self.parameter.shape[1])
        ones = like.new_ones((1, self.geometry.groups, *self.input_shape[2:]))
        counted = _convolution(ones, self._ones(like), self.geometry)
        return counted.repeat_interleave(self._group_size_out(), dim=1) * self._group_size_in()

    def transpose_ones(self, s: Tensor) -> Tensor:
        """Apply the transposed operation with all weights 1, by sums over the channels of each group."""
        if self.geometry is None:
            return s.sum(-1, keepdim=True).expand(*s.shape[:-1], self.parameter.shape[1])
        groups = self.geometry.groups
        summed = s.unflatten(1, (groups, -1)).sum(2)
        x = s.new_empty((s.shape[0], groups, *self.input_shape[2:]))
        spread = self._transpose(summed, x, self._ones(s), self.geometry)
        return spread.repeat_interleave(self._group_size_in(), dim=1)

    def _ones(self, like: Tensor) -> Tensor:
        assert self.geometry is not None
        return like.new_ones((self.geometry.groups, 1, *self.parameter.shape[2:]))

    def _group_size_in(self) -> int:
        assert self.geometry is not None
        return self.input_shape[1] // self.geometry.groups

    def _group_size_out(self) -> int:
        assert self.geometry is not None
        return self.parameter.shape[1] if self.geometry.transposed else self.parameter.shape[0] // self.geometry.groups

    @property
    def channel_dim(self) -> int:
        """The dimension of the output that the bias has an element for."""
        return -1 if self.geometry is None else 1

    def reshape_bias(self, bias: Tensor) -> Tensor:
        """Shape a bias so that it broadcasts against the output y."""
        return bias if self.geometry is None else bias.view(1, -1, *[1] * (len(self.input_shape) - 2))


@dataclass(frozen=True)
class LinearOutput:
    """The linear operation that computed a tensor, for a batch norm or a ReLU directly after it to merge with."""

    x: Tensor
    twin: Tensor | None
    layer: LinearLayer
    rule: Rule | None
    kept: SavedOutput | None = None


def _convolution(x: Tensor, weight: Tensor, g: Geometry, bias: Tensor | None = None) -> Tensor:
    result: Tensor = torch.ops.aten.convolution(
        x, weight, bias, g.stride, g.padding, g.dilation, g.transposed, g.output_padding, g.groups
    )
    return result
