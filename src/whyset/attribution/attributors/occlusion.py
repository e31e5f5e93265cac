"""Occlusion: the change of the output when a part of the input is covered."""

from collections.abc import Callable, Iterator
from itertools import product
from types import EllipsisType

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cells import Sides, expand_sides
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.targets import Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr

_WINDOW = 8


class Occlusion:
    """Explain by covering: `f(x) − f(x with a window covered)`, the mean over the windows of an element (Zeiler 2014).

    Windows move over the dimensions after the channels and cover all channels at once. Rows of tables (n, features) and
    ids of tokens (n, tokens) have no channels: windows move over the features.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    window : int or tuple of int, optional
        Sides of a window, in elements. By default 1 for rows and tokens, else 8, or half of the longest side where 8
        would cover the whole input.
    stride : int or tuple of int, optional
        The distance between windows, in elements. By default the window, so that windows do not overlap, but at most 8.
    fill_fn : callable, default torch.zeros_like
        Returns the values that cover the input, shaped like x.

    Raises
    ------
    InputError
        A side or a stride is less than 1.

    Examples
    --------
    >>> attribute = Occlusion(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), window=4, stride=4)
    >>> output, attribution = attribute(torch.rand(3, 1, 8, 8), target=1)
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        window: Sides | None = None,
        stride: Sides | None = None,
        fill_fn: Callable[[Tensor], Tensor] = torch.zeros_like,
    ) -> None:
        given = [value for value in (window, stride) if value is not None]
        sides = [side for value in given for side in (value if isinstance(value, tuple) else (value,))]
        if any(side < 1 for side in sides):
            raise InputError(f"Occlusion(window={window!r}, stride={stride!r}): expected positive numbers")
        self.model, self.window, self.stride, self.fill_fn = model, window, stride, fill_fn

    def __repr__(self) -> str:
        return short_repr(
            type(self).__name__, {"model": type(self.model).__name__, "window": self.window, "stride": self.stride}
        )

    @torch.no_grad()
    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, channels, ...) or (n, features).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution, shaped like `x`.

        Raises
        ------
        InputError
            The target does not fit the output, x or the output is not one tensor, or the windows do not fit the input:
            a stride larger than the window leaves gaps.
        """
        require_tensor(x, "Occlusion")
        if x.dim() < 2:
            raise InputError(f"Occlusion expects inputs (n, channels, ...) or (n, features), got {tuple(x.shape)}")
        output = self.model(x.clone())
        coefficient, fill = output_coefficient(output, target), self.fill_fn(x)
        total = torch.zeros_like(x, dtype=x.dtype if x.is_floating_point() else output.dtype)
        count = torch.zeros_like(total)
        for place in self._windows(x.shape[1:] if x.dim() == 2 else x.shape[2:], x.dim() == 2):
            covered = x.clone()
            covered[place] = fill[place]
            lost = ((output - self.model(covered)) * coefficient).flatten(1).sum(1)
            total[place] += lost.view(-1, *[1] * (x.dim() - 1))
            count[place] += 1
        return output, total / count

    def _windows(self, shape: torch.Size, is_row: bool) -> Iterator[tuple[slice | EllipsisType, ...]]:
        """Yield the windows as indices; the last window of a side is cut at the edge, so every element is covered."""
        window = _default_window(shape, is_row) if self.window is None else self.window
        windows = expand_sides(window, len(shape))
        strides = (
            tuple(min(side, _WINDOW) for side in windows)
            if self.stride is None
            else expand_sides(self.stride, len(shape))
        )
        if any(stride > window for window, stride in zip(windows, strides, strict=True)):
            raise InputError(
                f"Occlusion(window={window!r}, stride={self.stride!r}): a stride larger than the window leaves gaps"
            )
        ranges = [
            range(0, max(side - window, 0) + stride, stride)
            for side, window, stride in zip(shape, windows, strides, strict=True)
        ]
        for starts in product(*ranges):
            yield (..., *(slice(start, start + window) for start, window in zip(starts, windows, strict=True)))


def _default_window(shape: torch.Size, is_row: bool) -> int:
    """Return a window that does not cover everything, which would give all elements the same attribution."""
    longest = max(shape, default=1)
    return 1 if is_row else _WINDOW if longest > _WINDOW else max(1, longest // 2)
