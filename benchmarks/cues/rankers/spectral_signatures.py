"""Spectral Signatures (Tran et al. 2018, arXiv 1811.00636): outliers along the first singular vector."""

import numpy as np

from ..observed import Observed
from ..ranking import ClassScores


def rank(observed: Observed) -> list[ClassScores]:
    """Score images by their squared projection on the first singular vector of the centered activations of the class.

    The method does not rank classes. It separates poisoned images if their mean differs from that of the others by
    much against the covariance, which raises the first singular value; so the score of a class is the first share of
    the spectrum, σ₁² / Σ σ².
    """
    found = []
    for label, rows in observed.each_class():
        centered = observed.activations[rows] - observed.activations[rows].mean(axis=0)
        _, singular, directions = np.linalg.svd(centered, full_matrices=False)
        values = (centered @ directions[0]).astype(np.float64) ** 2
        found.append(ClassScores(label, float(singular[0] ** 2 / (singular**2).sum()), rows, values))
    return found
