"""A score for each class at each position: segmentation."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.output import Output
from whyset.runner.output_kinds.output_kind import OutputKind, require_rows
from whyset.store.layout import OUTPUT_VALUE


@dataclass(frozen=True)
class Dense(OutputKind):
    """Outputs (n, K, ...) are scores of K classes at each position; the sum over the mask of a class is explained.

    score_k = Σ_p y_kp m_kp, where the mask m_kp is 1 at the positions p that are predicted as class k, or inside of
    `region`. One output channel (K = 1) has the positions above 0 as its mask. The mask is a constant.

    Parameters
    ----------
    region : tuple of int, optional
        The first and the last position, exclusive, of each axis of the output: (top, left, bottom, right) for images.
        All classes are summed over this region in place of their masks.

    Raises
    ------
    InputError
        The region has not two positions for each axis, or it is empty.

    Examples
    --------
    >>> output = torch.tensor([[[[3.0, 0.0]], [[1.0, 5.0]]]])  # 2 classes, 1 x 2 positions
    >>> Dense().scores(output, Output.MODEL).tolist(), Dense((0, 0, 1, 1)).scores(output, Output.MODEL).tolist()
    ([[3.0, 5.0]], [[3.0, 1.0]])
    """

    name: ClassVar[str] = "dense"
    exclusive: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (OUTPUT_VALUE,)

    region: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.region is None:
            return
        region = tuple(self.region)
        object.__setattr__(self, "region", region)
        half = len(region) // 2
        if len(region) % 2 or not half or any(a < 0 or a >= b for a, b in zip(region, region[half:], strict=False)):
            raise InputError(f"Dense(region={region}): expected first and last positions, (top, left, bottom, right)")

    def check(self, output: Tensor) -> None:
        """Raise InputError unless outputs have positions, and the region is inside of them."""
        require_rows(self, output, (3, 4, 5), "(samples, classes, positions...)")
        sides = output.shape[2:]
        half = len(self.region or ()) // 2
        if self.region is not None and (
            half != len(sides) or any(end > side for end, side in zip(self.region[half:], sides, strict=True))
        ):
            raise InputError(f"Dense(region={self.region}): the positions of the output are {tuple(sides)}")

    def scores(self, output: Tensor, value: Output) -> Tensor:
        """Return the sums over the mask of each class (n, K)."""
        return (output * self._mask(output.detach())).flatten(2).sum(dim=2)

    def _mask(self, output: Tensor) -> Tensor:
        """Return the constant masks of all classes, shaped like the output."""
        if self.region is not None:
            half = len(self.region) // 2
            inside = torch.zeros_like(output)
            places = tuple(map(slice, self.region[:half], self.region[half:]))
            inside[(slice(None), slice(None), *places)] = 1
            return inside
        if output.shape[1] == 1:
            return (output > 0).to(output)
        return torch.zeros_like(output).scatter_(1, output.argmax(dim=1, keepdim=True), 1)
