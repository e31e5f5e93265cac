"""Estimators of scikit-learn as processors."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor, get_name, plain
from whyset.analysis.processors.clustering import Clustering, NumberOfClusters, by_size, spectral_coordinates
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError

MODULES = ("cluster", "decomposition", "kernel_approximation", "manifold", "mixture", "random_projection")
"""Modules of scikit-learn that a stored analysis may name; no other module is imported."""
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Estimator(Processor):
    """An estimator of scikit-learn, given by its class and its parameters.

    `Spray` makes this processor from estimators that are passed to it; those are neither fitted nor changed.

    Parameters
    ----------
    estimator : str
        The import path of a class in a public module of scikit-learn, such as "sklearn.manifold:Isomap".
    parameters : tuple of pairs, default ()
        Names and values of its parameters (`get_params`). A random state of None is set from the seed of the step.
    label : str, default ""
        The name of the result; by default that of the class in lower case.

    Raises
    ------
    InputError
        The class is not such an estimator or does not take the parameters, or the label does not fit.

    Examples
    --------
    >>> from sklearn.manifold import Isomap
    >>> part = make_processor(Isomap(n_neighbors=7), "embeddings")
    >>> part.name, part.estimator, dict(part.parameters)["n_neighbors"]
    ('isomap', 'sklearn.manifold:Isomap', 7)
    """

    estimator: str
    parameters: tuple[tuple[str, Any], ...] = ()
    label: str = ""

    seeded = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple((name, value) for name, value in self.parameters))
        if self.label and not _LABEL.fullmatch(self.label):
            raise InputError(f"A name of a clustering or embedding holds letters, digits, _ and -, got {self.label!r}.")
        kind = find_estimator(self.estimator)
        if (
            self.label.startswith("kmeans") and kind.__name__ != "KMeans"
        ):  # `assign` uses the nearest mean for these names
            raise InputError(f"{self.label!r} is a name of k-means, not of {self.estimator}.")
        if not callable(getattr(kind, self.method, None)):
            raise InputError(f"{self.estimator} has no method {self.method}.")
        unknown = sorted({name for name, _ in self.parameters} - set(kind._get_param_names()))
        if unknown:
            raise InputError(f"{self.estimator} has no parameter {', '.join(unknown)}.")

    method: ClassVar[str]

    @property
    def name(self) -> str:
        return self.label or self.estimator.partition(":")[2].lower()

    def run(self, rows: NDArray[Any], seed: int) -> NDArray[Any]:
        """Return the result of the estimator for rows."""
        estimator = find_estimator(self.estimator)(**dict(self.parameters))
        if "random_state" in estimator.get_params(deep=False) and estimator.random_state is None:
            estimator.set_params(random_state=seed)
        try:
            return np.asarray(getattr(estimator, self.method)(rows))
        except ValueError as error:
            raise InputError(f"{self.estimator}: {error}") from error


@dataclass(frozen=True)
class ClusteringEstimator(Estimator):
    """An estimator of scikit-learn that clusters row-normalized eigenvectors by `fit_predict`.

    The number of eigenvectors is the parameter `n_clusters` or `n_components`, or that of the eigengap. A negative
    label is noise.

    Parameters
    ----------
    estimator : str
        The import path of a class in a public module of scikit-learn, such as "sklearn.manifold:Isomap".
    parameters : tuple of pairs, default ()
        Names and values of its parameters (`get_params`). A random state of None is set from the seed of the step.
    label : str, default ""
        The name of the result; by default that of the class in lower case.

    Raises
    ------
    InputError
        The class is not such an estimator or does not take the parameters, or the label does not fit.
    """

    method = "fit_predict"

    @property
    def n_clusters(self) -> int | None:
        """The number of clusters that is given to the estimator; None without such a parameter."""
        given = dict(self.parameters)
        value = given.get("n_clusters", given.get("n_components"))
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def __call__(self, spectrum: SpectrumOfGraph, number: NumberOfClusters, *, seed: int) -> Clustering:
        coordinates = spectral_coordinates(spectrum, self.n_clusters or number.clusters)
        connected = ~spectrum.isolated
        found = self.run(coordinates[connected], seed)
        selected_by = "density" if self.n_clusters is None else "given"
        return Clustering(by_size(found, connected), coordinates, selected_by)


@dataclass(frozen=True)
class EmbeddingEstimator(Estimator):
    """An estimator of scikit-learn that embeds the features, (N, D), by `fit_transform`.

    Parameters
    ----------
    estimator : str
        The import path of a class in a public module of scikit-learn, such as "sklearn.manifold:Isomap".
    parameters : tuple of pairs, default ()
        Names and values of its parameters (`get_params`). A random state of None is set from the seed of the step.
    label : str, default ""
        The name of the result; by default that of the class in lower case.

    Raises
    ------
    InputError
        The class is not such an estimator or does not take the parameters, or the label does not fit.
    """

    method = "fit_transform"
    inputs: ClassVar = ("features",)

    def __call__(self, features: NDArray[np.floating], *, seed: int) -> NDArray[np.float32]:
        return self.run(features, seed).astype(np.float32)


def find_estimator(name: str) -> Any:
    """Return a class by "sklearn.<module>:<class>". InputError: it is not a public estimator of `MODULES`."""
    module, _, kind = name.partition(":")
    package, _, part = module.partition(".")
    if package == "sklearn" and part in MODULES and not kind.startswith("_"):
        from sklearn.base import BaseEstimator

        found = getattr(import_module(module), kind, None)
        if isinstance(found, type) and issubclass(found, BaseEstimator):
            return found
    raise InputError(
        f"{name!r} is not an estimator of sklearn.{', sklearn.'.join(MODULES)}. Write a custom Processor for other "
        "ones, whose source is then stored."
    )


def make_processor(part: Any, role: str, label: str = "") -> Processor:
    """Make the processor for an estimator of scikit-learn; a processor is returned unchanged.

    `role` is "clusterings", "embeddings" or "preprocessing", a field of `Spray`.
    """
    if isinstance(part, Processor):
        if label and get_name(part) != label:
            raise InputError(f"Spray: {part} is called {get_name(part)!r} and cannot be called {label!r}.")
        return part
    if isinstance(part, type) or not hasattr(part, "get_params"):
        raise InputError(f"Spray: {role} holds processors and scikit-learn estimators, got {part!r}.")
    if role == "preprocessing":
        raise InputError(
            f"Spray: preprocessing sees each sample alone, in blocks of the data, so {type(part).__name__} cannot be "
            "fitted there: write a custom Processor that needs no fit."
        )
    kind = type(part)
    name = f"{'.'.join(kind.__module__.split('.')[:2])}:{kind.__qualname__}"
    if find_estimator(name) is not kind:
        raise InputError(f"Spray: {kind.__module__}.{kind.__qualname__} is not scikit-learn's {name}.")
    given = part.get_params(deep=False)
    nested = sorted(key for key, value in given.items() if hasattr(value, "get_params"))
    if nested:
        raise InputError(f"Spray: {kind.__name__} holds another estimator in {', '.join(nested)}, which is not stored.")
    parameters = tuple((key, _freeze(plain(value, f"{kind.__name__}.{key}"))) for key, value in given.items())
    return {"clusterings": ClusteringEstimator, "embeddings": EmbeddingEstimator}[role](name, parameters, label)


def make_processors(parts: Iterable[Any] | Mapping[str, Any], role: str) -> tuple[Processor, ...]:
    """Make the processors of a sequence, or of a mapping from names."""
    if isinstance(parts, str) or not isinstance(parts, Iterable):
        raise InputError(f"Spray: {role} are {parts!r}: expected a tuple of processors, or a mapping from names")
    if isinstance(parts, Mapping):
        return tuple(make_processor(part, role, label) for label, part in parts.items())
    return tuple(make_processor(part, role) for part in parts)


def _freeze(value: Any) -> Any:
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value
