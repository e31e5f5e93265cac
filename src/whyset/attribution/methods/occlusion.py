"""Occlusion as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cells import Sides, require_sides
from whyset.attribution.attributors.occlusion import Occlusion
from whyset.attribution.methods.method import Method
from whyset.errors import InputError


@dataclass(frozen=True)
class OcclusionMethod(Method):
    """The change of the output where a window of the input is covered: `whyset.attribution.Occlusion`.

    Parameters
    ----------
    window : int or tuple of int, optional
        Sides of a window, in elements; by default 1 for rows and tokens, else 8 or half of the longest side.
    stride : int or tuple of int, optional
        The distance between windows; by default the window, but at most 8.
    fill : float, default 0.0
        The value that covers the input, as input of the model: after the normalization; of texts the id of a token.

    Raises
    ------
    InputError
        A side or a stride is less than 1.

    Examples
    --------
    >>> OcclusionMethod(window=4, stride=2).describe()
    'occlusion, window 4, stride 2'
    """

    name: ClassVar[str] = "occlusion"
    needs_gradients: ClassVar[bool] = False

    window: Sides | None = None
    stride: Sides | None = None
    fill: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("window", "stride"):
            given = getattr(self, name)
            object.__setattr__(self, name, tuple(given) if isinstance(given, list) else given)
            require_sides(f"OcclusionMethod: {name}", getattr(self, name))
        self.bind(nn.Identity())  # checks the numbers

    def bind(self, model: nn.Module) -> Occlusion:
        """Make the attributor for a model."""
        return Occlusion(model, window=self.window, stride=self.stride, fill_fn=self._fill)

    def _fill(self, x: Tensor) -> Tensor:
        if not x.is_floating_point() and not self.fill.is_integer():
            raise InputError(f"OcclusionMethod(fill={self.fill}): expected the id of a token, a whole number")
        return torch.full_like(x, self.fill)
