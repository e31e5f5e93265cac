"""Principal components."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class PCA(Processor):
    """Project the features on their first principal components, (N, n_components).

    Parameters
    ----------
    n_components : int, default 2
        The number of components, at least 1; at most min(N, D) are used.

    Raises
    ------
    InputError
        `n_components` is less than 1.
    """

    n_components: int = 2

    seeded = True
    inputs: ClassVar = ("features",)

    def __post_init__(self) -> None:
        if self.n_components < 1:
            raise InputError(f"PCA: n_components must be at least 1, got {self.n_components}.")

    @property
    def name(self) -> str:
        return "pca"

    def __call__(self, features: NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
        from sklearn.decomposition import PCA as Components

        components = min(self.n_components, *features.shape)
        found: NDArray[np.float32] = Components(components, random_state=seed).fit_transform(features)
        return found.astype(np.float32)
