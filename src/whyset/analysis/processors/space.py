"""The input of embeddings in the plane: the spectral embedding or the features."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError

Space = Literal["spectrum", "features"]


def require_space(space: str) -> None:
    if space not in ("spectrum", "features"):
        raise InputError(f"Expected the space 'spectrum' or 'features', got {space!r}.")


def space_name(kind: str, space: str) -> str:
    """Return the name of an embedding: its kind, and its space if that is not the default."""
    return kind if space == "spectrum" else f"{kind}-{space}"


def get_coordinates(space: Any) -> NDArray[np.float32]:
    """Return the coordinates (N, m) of the samples in a spectrum; features are returned unchanged.

    The eigenvectors are weighted by their eigenvalues (a diffusion map of one step; Coifman, Lafon 2006), so that
    trailing ones, which are noise, do not dominate the leading ones, and scaled to about 1.
    """
    if not isinstance(space, SpectrumOfGraph):
        return np.asarray(space, np.float32)
    coordinates = (space.eigenvectors * space.eigenvalues).astype(np.float32)
    coordinates *= np.float32(np.sqrt(len(coordinates)))
    return coordinates
