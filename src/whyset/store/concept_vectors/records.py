"""Records of concept vectors: a direction in the channels of a layer, what it was fitted on, and its quality."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from whyset.printable import short_dataclass_repr
from whyset.store.effects.records import Estimate
from whyset.store.evidence.records import PYDANTIC

CONCEPT_VECTOR_SCHEMA = "1.0"
"""Version of the stored form; a new optional field raises the minor number."""


@dataclass(frozen=True)
class TcavScore:
    """The share of samples whose score of a class a concept raises (TCAV, Kim 2018), against random divisions.

    Parameters
    ----------
    share : Estimate
        The share of samples of the class whose score rises along the vector.
    p_value : float
        How probable a share at least as far from those of random vectors is by chance, two-sided.
    n_random : int
        The number of vectors of random divisions into groups of the same sizes.
    random_mean : float
        The mean of their shares.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    share: Estimate
    p_value: float
    n_random: int
    random_mean: float


@dataclass(frozen=True, repr=False)
class ConceptVector:
    """The direction in which the channels of a layer differ between samples with a concept and without it.

    The score of a sample is `v · (a − center) / scale` for its channels a, pooled over positions. Samples without the
    concept have scores of mean 0 and variance 1.

    Parameters
    ----------
    layer : str
        The path of a module.
    channel_axis : int
        The axis of the channels in its output.
    pooling : {"max", "mean"}
        How the values of a channel at all positions become one.
    vector : tuple of float
        The vector v, which points to the samples with the concept.
    center : tuple of float
        The mean of the pooled samples without the concept.
    mean_without, mean_with : tuple of float
        The means over samples and positions, without and with the concept.
    scale, threshold : float
        The unit of the scores, and the score that separates the two groups best.
    method : Mapping
        The stored form of the concept method.
    source : str
        The samples with the concept, such as "finding 00002-5f0c3a9be1d4".
    rows, rows_without : tuple of int
        The rows of the run with and without the concept.
    auroc : Estimate
        The area under the ROC curve on samples that the vector was not fitted on.
    tcav : TcavScore or None
        What the concept does to the score of the class; None if it was not measured.
    class_id : str or None
        The class whose score that is.
    weights_hash : str or None
        The hash of the weights of the model; None if it is not known.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    layer: str
    channel_axis: int
    pooling: Literal["max", "mean"]
    vector: tuple[float, ...]
    center: tuple[float, ...]
    mean_without: tuple[float, ...]
    mean_with: tuple[float, ...]
    scale: float
    threshold: float
    method: Mapping[str, Any]
    source: str
    rows: tuple[int, ...]
    rows_without: tuple[int, ...]
    auroc: Estimate
    tcav: TcavScore | None = None
    class_id: str | None = None
    weights_hash: str | None = None

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    @property
    def n_with(self) -> int:
        """The number of samples with the concept."""
        return len(self.rows)

    @property
    def n_without(self) -> int:
        """The number of samples without the concept."""
        return len(self.rows_without)

    def export(self, path: str | Path) -> None:
        """Write the arrays and the texts of the vector to an NPZ file, which NumPy reads without this package.

        It has `vector`, `center`, `mean_without`, `mean_with`, `scale`, `threshold`, `layer`, `channel_axis`,
        `pooling`, `source` and `weights_hash` (empty if it is not known).
        """
        numbers = ("vector", "center", "mean_without", "mean_with", "scale", "threshold")
        arrays: dict[str, Any] = {name: np.asarray(getattr(self, name), np.float64) for name in numbers}
        arrays |= {name: np.asarray(getattr(self, name)) for name in ("layer", "channel_axis", "pooling", "source")}
        arrays["weights_hash"] = np.asarray(self.weights_hash or "")
        np.savez(path, **arrays)
