"""Methods that fit a concept vector: the direction in which activations with a concept differ from those without."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from whyset.attribution.named_part import NamedPart
from whyset.interventions.named_parts import resolve_named

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ConceptMethod(NamedPart):
    """Base of the methods; the fields of a method are its parameters.

    A new method is a subclass with a `name` and a line in the table `CONCEPT_METHODS`.
    """

    title: ClassVar[str]
    """The name in tables."""

    def __post_init__(self) -> None:
        """Convert numbers to those of Python, in which they are stored; InputError: one is not finite."""
        self.convert_numbers()

    def fit(self, x: Values, t: Values) -> Values:
        """Return the vector (channels,), which points to the samples with the concept.

        Parameters
        ----------
        x : ndarray
            Activations (n, channels).
        t : ndarray
            1 for samples with the concept, 0 for those without, (n,).
        """
        raise NotImplementedError


@dataclass(frozen=True)
class PatternCav(ConceptMethod):
    """The pattern of a linear model that predicts activations from the concept (pattern-CAV, Pahde 2022).

    `v = cov(x, t) / var(t)`, which for two groups is the difference of their means. Unlike the normal of a classifier,
    it does not turn away from the concept to cancel noise that channels share (Haufe 2014).

    >>> PatternCav().fit(np.array([[0.0, 0], [0, 2], [3, 0], [3, 2]]), np.array([0.0, 0, 1, 1])).tolist()
    [3.0, 0.0]
    """

    name: ClassVar[str] = "pattern"
    title: ClassVar[str] = "pattern"

    def fit(self, x: Values, t: Values) -> Values:
        """Return the covariance of each channel with the concept, divided by the variance of the concept."""
        deviation = t - t.mean()
        vector: Values = deviation @ (x - x.mean(0)) / (deviation @ deviation)
        return vector


@dataclass(frozen=True)
class SvmCav(ConceptMethod):
    """The normal of the separating plane of a linear support vector machine (Kim 2018), with balanced classes.

    Channels are divided by their standard deviations before the fit, and the normal is that in the original units.

    Parameters
    ----------
    C : float, default 1.0
        The inverse strength of the regularization.
    """

    name: ClassVar[str] = "svm"
    title: ClassVar[str] = "support vector machine"
    C: float = 1.0

    def fit(self, x: Values, t: Values) -> Values:
        """Return the normal of the plane."""
        from sklearn.svm import SVC

        return _fit_scaled(SVC(kernel="linear", C=self.C, class_weight="balanced"), x, t)


@dataclass(frozen=True)
class LogisticCav(ConceptMethod):
    """The weights of a logistic regression (Kim 2018), with balanced classes.

    Channels are divided by their standard deviations before the fit, and the weights are those in the original units.

    Parameters
    ----------
    C : float, default 1.0
        The inverse strength of the L2 regularization.
    """

    name: ClassVar[str] = "logistic"
    title: ClassVar[str] = "logistic regression"
    C: float = 1.0

    def fit(self, x: Values, t: Values) -> Values:
        """Return the weights."""
        from sklearn.linear_model import LogisticRegression

        return _fit_scaled(LogisticRegression(C=self.C, class_weight="balanced", max_iter=2000), x, t)


@dataclass(frozen=True)
class RidgeCav(ConceptMethod):
    """The weights of a ridge regression of the concept on the activations, with balanced classes.

    Channels are divided by their standard deviations before the fit, and the weights are those in the original units.

    Parameters
    ----------
    alpha : float, default 1.0
        The strength of the L2 regularization.
    """

    name: ClassVar[str] = "ridge"
    title: ClassVar[str] = "ridge regression"
    alpha: float = 1.0

    def fit(self, x: Values, t: Values) -> Values:
        """Return the weights."""
        from sklearn.linear_model import RidgeClassifier

        return _fit_scaled(RidgeClassifier(alpha=self.alpha, class_weight="balanced"), x, t)


def _fit_scaled(model: Any, x: Values, t: Values) -> Values:
    """Return the weights of a linear classifier of scikit-learn; constant channels have the weight 0."""
    deviation = x.std(0)
    kept = deviation > 1e-6 * max(1e-30, float(deviation.max()))
    vector = np.zeros(x.shape[1])
    if kept.any():
        weights = model.fit((x[:, kept] - x[:, kept].mean(0)) / deviation[kept], t > 0).coef_
        vector[kept] = np.ravel(weights) / deviation[kept]
    return vector


CONCEPT_METHODS: Mapping[str, type[ConceptMethod]] = MappingProxyType(
    {method.name: method for method in (PatternCav, SvmCav, LogisticCav, RidgeCav)}
)
"""The methods by name."""


def as_concept_method(given: ConceptMethod | str) -> ConceptMethod:
    """Resolve a method from an instance or a name of `CONCEPT_METHODS`; InputError: the name is unknown.

    >>> as_concept_method("svm")
    SvmCav(C=1.0)
    """
    return resolve_named(given, ConceptMethod, CONCEPT_METHODS, "concept method")
