"""Embedding in the plane by t-SNE."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.space import Space, get_coordinates, require_space, space_name
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError


@dataclass(frozen=True)
class TSNE(Processor):
    """Embed the samples in the plane, (N, 2), by t-SNE (van der Maaten, Hinton 2008).

    Parameters
    ----------
    perplexity : float, default 30.0
        The effective number of neighbors, at least 1; at most (N - 1)/3 is used.
    space : {"spectrum", "features"}, default "spectrum"
        The input of the embedding: the spectral embedding or the features.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    perplexity: float = 30.0
    space: Space = "spectrum"

    seeded = True

    def __post_init__(self) -> None:
        if not self.perplexity >= 1:
            raise InputError(f"TSNE: perplexity must be at least 1, got {self.perplexity}.")
        require_space(self.space)

    @property
    def name(self) -> str:
        return space_name("tsne", self.space)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.space,)

    def perplexity_for(self, samples: int) -> float:
        """Return the perplexity for this number of samples."""
        return min(self.perplexity, (samples - 1) / 3)

    def __call__(self, space: SpectrumOfGraph | NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
        from sklearn.manifold import TSNE as Layout

        coordinates = get_coordinates(space)
        n = len(coordinates)
        if n < 4:
            raise InputError(f"t-SNE needs at least 4 explanations, got {n}.")
        layout = Layout(perplexity=self.perplexity_for(n), init="pca", random_state=seed)
        plane: NDArray[np.float32] = layout.fit_transform(coordinates).astype(np.float32)
        return plane
