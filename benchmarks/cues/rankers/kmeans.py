"""k-means on relevance maps, on Grad-CAM maps, and on the images themselves."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from whyset.attribution.methods import GradCAMMethod

from ..observed import Observed
from ..ranking import ClassScores, score_clusters

N_CLUSTERS = 8
POOLED = 16
"""Side of maps and images for the clustering; k-means of larger ones follows noise in single pixels."""


def rank_maps(observed: Observed) -> list[ClassScores]:
    """Cluster the relevance maps of each class, normalized as in SpRAy (Lapuschkin et al. 2019)."""
    return _cluster(observed, normalize(pool(observed.maps)))


def rank_grad_cam(observed: Observed) -> list[ClassScores]:
    """Cluster the Grad-CAM maps (Selvaraju et al. 2017) of each class."""
    maps = observed.read_maps(observed.explain("grad-cam", method=GradCAMMethod()))
    return _cluster(observed, normalize(pool(maps)))


def rank_pixels(observed: Observed) -> list[ClassScores]:
    """Cluster the images of each class: the control that uses no network."""
    colors = np.stack([pool(observed.cell.images[..., channel].astype(np.float32)) for channel in range(3)], axis=1)
    return _cluster(observed, colors.reshape(len(colors), -1) / 255)


def _cluster(observed: Observed, vectors: NDArray[np.float32]) -> list[ClassScores]:
    return [
        score_clusters(
            label, rows, vectors[rows], KMeans(N_CLUSTERS, n_init=4, random_state=0).fit_predict(vectors[rows])
        )
        for label, rows in observed.each_class()
    ]


def pool(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return maps (n, height, width) as vectors of means over areas."""
    side = maps.shape[1] // max(1, maps.shape[1] // POOLED)
    factor = maps.shape[1] // side
    cut = maps[:, : side * factor, : side * factor]
    return cut.reshape(len(maps), side, factor, -1, factor).mean(axis=(2, 4)).reshape(len(maps), -1)


def normalize(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide vectors by the sum of their absolute values."""
    return vectors / np.maximum(np.abs(vectors).sum(axis=1, keepdims=True), 1e-12)
