"""Occlusion: how much the answer suffers when a part of the input is covered."""

from collections.abc import Callable, Iterator
from itertools import product
from types import EllipsisType

import torch
from torch import Tensor, nn

from whyset.attribution.targets import Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr

Sides = int | tuple[int, ...]


class Occlusion:
    """Explain by covering: `f(x) − f(x with a window covered)`, the mean over an element's windows (Zeiler 2014).

    Windows of `window` elements move by `stride` over the dimensions behind the channels, all channels at once;
    `fill_fn` makes what they are covered with, by default zero.

    >>> attribute = Occlusion(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), window=4, stride=4)
    >>> output, attribution = attribute(torch.rand(3, 1, 8, 8), target=1)
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        window: Sides = 8,
        stride: Sides = 8,
        fill_fn: Callable[[Tensor], Tensor] = torch.zeros_like,
    ) -> None:
        sides = [side for value in (window, stride) for side in (value if isinstance(value, tuple) else (value,))]
        if any(side < 1 for side in sides):
            raise InputError(f"Occlusion(window={window!r}, stride={stride!r}): expected positive numbers")
        self.model, self.window, self.stride, self.fill_fn = model, window, stride, fill_fn

    def __repr__(self) -> str:
        return short_repr(
            type(self).__name__, {"model": type(self.model).__name__, "window": self.window, "stride": self.stride}
        )

    @torch.no_grad()
    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Give the model's output for `x`, and the attribution, shaped like it."""
        output = self.model(x.clone())
        coefficient, fill = output_coefficient(output, target), self.fill_fn(x)
        total, count = torch.zeros_like(x), torch.zeros_like(x)
        for place in self._windows(x.shape[2:]):
            covered = x.clone()
            covered[place] = fill[place]
            lost = ((output - self.model(covered)) * coefficient).flatten(1).sum(1)
            total[place] += lost.view(-1, *[1] * (x.dim() - 1))
            count[place] += 1
        return output, total / count

    def _windows(self, shape: torch.Size) -> Iterator[tuple[slice | EllipsisType, ...]]:
        """Give the windows as indices; the last along a side is cut off at its edge, so that each element has one."""
        windows, strides = _sides(self.window, len(shape)), _sides(self.stride, len(shape))
        if any(stride > window for window, stride in zip(windows, strides, strict=True)):
            raise InputError(
                f"Occlusion(window={self.window!r}, stride={self.stride!r}): a stride beyond the window leaves gaps"
            )
        ranges = [
            range(0, max(side - window, 0) + stride, stride)
            for side, window, stride in zip(shape, windows, strides, strict=True)
        ]
        for starts in product(*ranges):
            yield (..., *(slice(start, start + window) for start, window in zip(starts, windows, strict=True)))


def _sides(value: Sides, count: int) -> tuple[int, ...]:
    sides = value if isinstance(value, tuple) else (value,) * count
    if len(sides) != count:
        raise InputError(
            f"expected one number, or {count} for the input's dimensions behind the channels, got {value!r}"
        )
    return sides
