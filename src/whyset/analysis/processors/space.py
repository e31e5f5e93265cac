"""What a picture in the plane is made of: the spectral embedding, or the features themselves."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError

Space = Literal["spectrum", "features"]


def require_space(space: str) -> None:
    if space not in ("spectrum", "features"):
        raise InputError(f"An embedding is made of 'spectrum' or 'features', not of {space!r}.")


def space_name(kind: str, space: str) -> str:
    """Give the name of an embedding: its kind, and the space where it is not the usual one."""
    return kind if space == "spectrum" else f"{kind}-{space}"


def get_coordinates(space: Any) -> NDArray[np.float32]:
    """Give the coordinates (N, m) of the samples in a spectrum, or features as they are.

    The eigenvectors are weighed by their eigenvalues (a diffusion map of one step; Coifman, Lafon 2006), so that
    trailing ones, which are noise, do not hide the leading ones, and scaled to about 1.
    """
    if not isinstance(space, SpectrumOfGraph):
        return np.asarray(space, np.float32)
    coordinates = (space.eigenvectors * space.eigenvalues).astype(np.float32)
    coordinates *= np.float32(np.sqrt(len(coordinates)))
    return coordinates
