"""A picture in the plane by t-SNE."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError


@dataclass(frozen=True)
class TSNE(Processor):
    """Lay the samples out in the plane, (N, 2), by t-SNE (van der Maaten, Hinton 2008) of the spectral embedding.

    The eigenvectors are weighed by their eigenvalues (a diffusion map of one step; Coifman, Lafon 2006), so that
    trailing ones, which are noise, do not hide the leading ones. For few samples the perplexity is lowered to
    (N - 1)/3.
    """

    perplexity: float = 30.0

    seeded = True

    def __post_init__(self) -> None:
        if not self.perplexity >= 1:
            raise InputError(f"TSNE: perplexity must be at least 1, got {self.perplexity}.")

    @property
    def name(self) -> str:
        return "tsne"

    def perplexity_for(self, samples: int) -> float:
        """Give the perplexity that is used for so many samples."""
        return min(self.perplexity, (samples - 1) / 3)

    def __call__(self, spectrum: SpectrumOfGraph, *, seed: int) -> NDArray[np.float32]:
        from sklearn.manifold import TSNE as Layout

        n = len(spectrum.eigenvectors)
        if n < 4:
            raise InputError(f"t-SNE needs at least 4 samples, got {n}.")
        coordinates = (spectrum.eigenvectors * spectrum.eigenvalues).astype(np.float32)
        coordinates *= np.float32(np.sqrt(n))
        layout = Layout(perplexity=self.perplexity_for(n), init="pca", random_state=seed)
        plane: NDArray[np.float32] = layout.fit_transform(coordinates).astype(np.float32)
        return plane
