"""Embedding in the plane by UMAP."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.space import Space, get_coordinates, require_space, space_name
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError
from whyset.optional import import_optional


@dataclass(frozen=True)
class UMAP(Processor):
    """Embed the samples in the plane, (N, 2), by UMAP (McInnes, Healy, Melville 2018).

    UMAP uses one thread, because its seed is set.

    Parameters
    ----------
    n_neighbors : int, default 15
        The number of neighbors, at least 2; at most N - 1 are used.
    min_dist : float, default 0.1
        The smallest distance of embedded samples, between 0 and 1.
    space : {"spectrum", "features"}, default "spectrum"
        The input of the embedding: the spectral embedding or the features.

    Raises
    ------
    InputError
        A parameter is out of range.
    MissingExtraError
        umap-learn is not installed, when it is called.
    """

    n_neighbors: int = 15
    min_dist: float = 0.1
    space: Space = "spectrum"

    seeded = True
    alone = True  # a threading layer of Numba ends the whole process if two threads use it at once

    def __post_init__(self) -> None:
        if self.n_neighbors < 2 or not 0 <= self.min_dist <= 1:
            raise InputError(f"UMAP needs n_neighbors >= 2 and min_dist between 0 and 1, got {self}.")
        require_space(self.space)

    @property
    def name(self) -> str:
        return space_name("umap", self.space)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.space,)

    def __call__(self, space: SpectrumOfGraph | NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
        Layout = import_optional("umap", "UMAP", 'pip install "whyset[umap]"', "umap-learn").UMAP
        coordinates = get_coordinates(space)
        n_neighbors = min(self.n_neighbors, len(coordinates) - 1)
        layout = Layout(
            n_neighbors=n_neighbors, min_dist=self.min_dist, init="pca", random_state=seed, n_jobs=1, low_memory=True
        )
        with warnings.catch_warnings():  # about few samples and about threads, which the docstring describes
            warnings.simplefilter("ignore")
            plane: NDArray[np.float32] = layout.fit_transform(coordinates).astype(np.float32)
        return plane
