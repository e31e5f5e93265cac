"""Embeddings of the samples in few dimensions, of the spectral embedding or of the features."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.numba_threads import keep_openmp_threads
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError
from whyset.optional import import_optional

Space = Literal["spectrum", "features"]
"""The input of an embedding."""
Implementation = Literal["sklearn", "opentsne"]
"""The package that computes t-SNE."""


@dataclass(frozen=True)
class TSNE(Processor):
    """Embed the samples in the plane, (N, 2), by t-SNE (van der Maaten, Hinton 2008).

    openTSNE (Poličar, Stražar, Zupan 2024) minimizes the same divergence by another approximation, so it finds another
    embedding of the same quality. It takes a quarter of scikit-learn's processor time for 10,000 samples, and 0.5 to
    0.8 for 500 to 2,000, and uses one thread, because its result depends on their number.

    Parameters
    ----------
    perplexity : float, default 30.0
        The effective number of neighbors, at least 1; at most (N - 1)/3 is used.
    space : {"spectrum", "features"}, default "spectrum"
        The input of the embedding: the spectral embedding or the features.
    implementation : {"sklearn", "opentsne"}, default "sklearn"
        The package that computes it. There is no automatic choice, so that an embedding does not depend on what is
        installed.

    Raises
    ------
    InputError
        A parameter is out of range.
    MissingExtraError
        openTSNE is chosen and not installed, when it is called.
    """

    perplexity: float = 30.0
    space: Space = "spectrum"
    implementation: Implementation = "sklearn"

    seeded = True

    def __post_init__(self) -> None:
        if not self.perplexity >= 1:
            raise InputError(f"TSNE: perplexity must be at least 1, got {self.perplexity}.")
        require_space(self.space)
        if self.implementation not in get_args(Implementation):
            raise InputError(f"TSNE: expected implementation 'sklearn' or 'opentsne', got {self.implementation!r}.")

    @property
    def name(self) -> str:
        return space_name("tsne" if self.implementation == "sklearn" else self.implementation, self.space)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.space,)

    def perplexity_for(self, samples: int) -> float:
        """Return the perplexity for this number of samples."""
        return min(self.perplexity, (samples - 1) / 3)

    def __call__(self, space: SpectrumOfGraph | NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
        coordinates = get_coordinates(space)
        n = len(coordinates)
        if n < 4:
            raise InputError(f"t-SNE needs at least 4 explanations, got {n}.")
        embed = _embed_by_sklearn if self.implementation == "sklearn" else _embed_by_opentsne
        return embed(coordinates, self.perplexity_for(n), seed).astype(np.float32)


def _embed_by_sklearn(coordinates: NDArray[np.float32], perplexity: float, seed: int) -> NDArray[np.floating]:
    from sklearn.manifold import TSNE as Layout

    layout = Layout(perplexity=perplexity, init="pca", random_state=seed)
    return np.asarray(layout.fit_transform(coordinates))


def _embed_by_opentsne(coordinates: NDArray[np.float32], perplexity: float, seed: int) -> NDArray[np.floating]:
    Layout = import_optional("openTSNE", "t-SNE by openTSNE", 'pip install "whyset[opentsne]"').TSNE
    layout = Layout(perplexity=perplexity, initialization="pca", random_state=seed, n_jobs=1)
    return np.asarray(layout.fit(coordinates.astype(np.float64)))


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
        # The warnings are about few samples and about threads, which the docstring describes.
        with keep_openmp_threads(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plane: NDArray[np.float32] = layout.fit_transform(coordinates).astype(np.float32)
        return plane


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


@dataclass(frozen=True)
class LLE(Processor):
    """Embed the samples in the plane, (N, 2), by locally linear embedding of the features (Roweis, Saul 2000).

    Each sample is written as a weighted sum of its neighbors, and the embedding keeps the weights. The solver is dense
    up to 600 samples, and Arnoldi iteration beyond.

    Parameters
    ----------
    n_neighbors : int, default 12
        The number of neighbors, at least 3; at most N - 1 are used.
    reg : float, default 1e-3
        Regularization of the weights, relative to the trace of the local covariance.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    n_neighbors: int = 12
    reg: float = 1e-3

    seeded = True
    inputs: ClassVar = ("features",)

    def __post_init__(self) -> None:
        if self.n_neighbors < 3 or not self.reg > 0:
            raise InputError(f"LLE needs n_neighbors >= 3 and reg > 0, got {self}.")

    @property
    def name(self) -> str:
        return "lle"

    def __call__(self, features: NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
        from sklearn.manifold import LocallyLinearEmbedding

        n = len(features)
        if n < 5:
            raise InputError(f"LLE needs at least 5 explanations, got {n}.")
        layout = LocallyLinearEmbedding(
            n_neighbors=min(self.n_neighbors, n - 1),
            n_components=2,
            reg=self.reg,
            eigen_solver="dense" if n <= 600 else "arpack",
            random_state=seed,
        )
        plane: NDArray[np.float32] = layout.fit_transform(features.astype(np.float64)).astype(np.float32)
        return plane


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
