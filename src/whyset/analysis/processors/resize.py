"""Maps of another size, by interpolation."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError

Filter = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
_FILTERS = {name: Image.Resampling[name.upper()] for name in ("nearest", "box", "bilinear", "bicubic", "lanczos")}


@dataclass(frozen=True)
class Resize(Processor):
    """Interpolate maps (..., H, W) to `height` x `width`.

    Values keep their scale and sums do not; `AreaPooling` keeps sums.

    Parameters
    ----------
    height : int
        The new height, in pixels.
    width : int
        The new width, in pixels.
    filter : {"nearest", "box", "bilinear", "bicubic", "lanczos"}, default "bilinear"
        The interpolation of Pillow, in float32; smaller maps are smoothed first.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    height: int
    width: int
    filter: Filter = "bilinear"

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise InputError(f"Resize: height and width must be at least 1, got {self.height} x {self.width}.")
        _require_filter(self.filter)

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        return _resize(maps, self.height, self.width, self.filter)


@dataclass(frozen=True)
class Rescale(Processor):
    """Interpolate maps (..., H, W) to `factor` times their sides; see `Resize`.

    Parameters
    ----------
    factor : float, default 0.5
        The factor, greater than 0; sides are rounded, to at least one pixel.
    filter : {"nearest", "box", "bilinear", "bicubic", "lanczos"}, default "bilinear"
        The interpolation of Pillow, in float32; smaller maps are smoothed first.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    factor: float = 0.5
    filter: Filter = "bilinear"

    def __post_init__(self) -> None:
        if not 0 < self.factor < np.inf:
            raise InputError(f"Rescale: factor must be positive, got {self.factor}.")
        _require_filter(self.filter)

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        height, width = (max(1, round(side * self.factor)) for side in maps.shape[-2:])
        return _resize(maps, height, width, self.filter)


def _require_filter(name: str) -> None:
    if name not in _FILTERS:
        raise InputError(f"Unknown filter {name!r}; expected one of {', '.join(_FILTERS)}.")


def _resize(maps: NDArray[np.floating], height: int, width: int, name: str) -> NDArray[np.floating]:
    if maps.ndim < 3:
        raise InputError(f"Expected maps of shape (N, ..., H, W), got {maps.shape}.")
    planes = maps.reshape(-1, *maps.shape[-2:]).astype(np.float32)
    resized = [np.asarray(Image.fromarray(plane).resize((width, height), _FILTERS[name])) for plane in planes]
    return np.stack(resized).reshape(*maps.shape[:-2], height, width).astype(maps.dtype)
