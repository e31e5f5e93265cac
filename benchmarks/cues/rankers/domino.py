"""A mixture in the manner of Domino (Eyuboglu et al. 2022, arXiv 2203.14960): slices of coherent errors.

Domino models embeddings, labels and predictions by one mixture and returns components in which the network is wrong
more often. Here the embeddings are the last activations, because the classes of this benchmark have no texts for CLIP.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from ..observed import Observed
from ..ranking import ClassScores

N_SLICES = 10
N_COMPONENTS = 16
ERROR_WEIGHT = 3.0
"""How many standard deviations of an embedding the difference between right and wrong counts."""


def rank(observed: Observed) -> list[ClassScores]:
    """Rank slices by how far the mean error of their images is from that of the class, in either direction.

    Domino itself looks for more errors; a cue that is in the training images makes fewer, so that both are searched.
    """
    found = []
    for label, rows in observed.each_class():
        error = 1 - observed.probabilities[rows, label].astype(np.float64)
        count = min(N_COMPONENTS, observed.activations.shape[1], len(rows) - 1)
        reduced = PCA(count, whiten=True, random_state=0).fit_transform(observed.activations[rows])
        joint = np.column_stack([reduced, ERROR_WEIGHT * error])
        n_slices = min(N_SLICES, max(2, len(rows) // 10))
        mixture = GaussianMixture(n_slices, covariance_type="diag", random_state=0, reg_covar=1e-3).fit(joint)
        shares = mixture.predict_proba(joint)
        sizes = np.maximum(shares.sum(axis=0), 1e-9)
        deviation = np.abs((shares * error[:, None]).sum(axis=0) / sizes - error.mean())
        deviation[sizes < 3] = 0
        found.append(ClassScores(label, float(deviation.max()), rows, shares @ deviation))
    return found
