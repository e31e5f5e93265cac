"""Metrics by pixel flipping: the score of the target while the input is replaced in the order of relevance."""

from dataclasses import dataclass, replace
from typing import ClassVar

from whyset.evaluation.flipping_curves import FlippingCurves
from whyset.evaluation.imputation import as_imputer
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.pixel_flipping import PixelFlipping


@dataclass(frozen=True)
class FlippingMetric(Metric):
    """Base of the metrics by pixel flipping; the fields are those of `whyset.evaluation.PixelFlipping`.

    Parameters
    ----------
    patch_size : int or tuple of int, default 8
        Sides of a patch in elements, over the dimensions after the channels.
    steps : int or tuple of float, default 20
        The number of equal steps until all patches are flipped, or the increasing fractions of flipped patches.
    imputer : str, default "constant"
        Values of flipped patches: a name of `IMPUTERS`, with parameters as in "blur(sigma=4)".
    score : {"probability", "output", "correct"}, default "probability"
        What is followed: the probability of the target, its output, or whether it has the largest output.
    """

    needs = frozenset({"model"})
    order: ClassVar[str] = "both"

    patch_size: int | tuple[int, ...] = 8
    steps: int | tuple[float, ...] = 20
    imputer: str = "constant"
    score: str = "probability"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.make_flipping(0)  # checks the values

    def make_flipping(self, seed: int) -> PixelFlipping:
        """Return the pixel flipping of these parameters."""
        return PixelFlipping(self.patch_size, self.steps, as_imputer(self.imputer), self.score, self.order, 1, seed)

    def measure(self, batch: ExplainedSamples) -> Measured:
        flipping = replace(self.make_flipping(batch.seed), batch_size=len(batch.x))
        curves = flipping(batch.model, batch.x, batch.relevance, batch.target, numbers=batch.rows.tolist())
        return self.summarize(curves)

    def summarize(self, curves: FlippingCurves) -> Measured:
        """Return the number of each sample, and its curve."""
        raise NotImplementedError


@dataclass(frozen=True)
class RelevanceGain(FlippingMetric):
    """Area between the curves of pixel flipping (symmetric relevance gain, Blücher 2024).

    With the score f of the target and x_k, in which the k first of K patches are imputed, the mean of
    `f(x_k, least relevant first) - f(x_k, most relevant first)` along the curves, by trapezoids. Whatever the imputer
    does to the model, it does in both orders: 0 is expected of a random order. The curve is the difference.

    Parameters
    ----------
    patch_size, steps, imputer, score
        As in `FlippingMetric`.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> model = torch.nn.Linear(4, 2).eval()
    >>> x, target = torch.ones(1, 4), torch.zeros(1).long()
    >>> batch = ExplainedSamples(model, x, target, model.weight[:1].detach() * x, np.arange(1))
    >>> bool(RelevanceGain(patch_size=1, score="output").measure(batch).values[0] > 0)
    True
    """

    name = "relevance_gain"
    title = "relevance gain"
    better = "higher"

    def summarize(self, curves: FlippingCurves) -> Measured:
        assert curves.least_relevant_first is not None
        assert curves.most_relevant_first is not None
        between = curves.least_relevant_first - curves.most_relevant_first
        return Measured(curves.relevance_gain, between.T, curves.fractions)


@dataclass(frozen=True)
class MostRelevantFirst(FlippingMetric):
    """Area under the curve of pixel flipping, most relevant patches first (Samek 2017).

    The mean of `f(x_k)` along the curve, by trapezoids: small if the explanation finds what the model uses. Samek's
    region perturbation is the mean of f(x_0) - f(x_k) in the same order.

    Parameters
    ----------
    patch_size, steps, imputer, score
        As in `FlippingMetric`.
    """

    name = "most_relevant_first"
    title = "most relevant first"
    better = "lower"
    order = "most_relevant_first"

    def summarize(self, curves: FlippingCurves) -> Measured:
        assert curves.most_relevant_first is not None
        return Measured(curves.area_most_relevant_first, curves.most_relevant_first.T, curves.fractions)


@dataclass(frozen=True)
class LeastRelevantFirst(FlippingMetric):
    """Area under the curve of pixel flipping, least relevant patches first (Blücher 2024).

    The mean of `f(x_k)` along the curve, by trapezoids: large if the explanation finds what the model does not use.

    Parameters
    ----------
    patch_size, steps, imputer, score
        As in `FlippingMetric`.
    """

    name = "least_relevant_first"
    title = "least relevant first"
    better = "higher"
    order = "least_relevant_first"

    def summarize(self, curves: FlippingCurves) -> Measured:
        assert curves.least_relevant_first is not None
        return Measured(curves.area_least_relevant_first, curves.least_relevant_first.T, curves.fractions)


@dataclass(frozen=True)
class Deletion(MostRelevantFirst):
    """Area under the curve of the score while positions are deleted, most relevant first (Petsiuk 2018).

    Pixel flipping with single positions: the mean probability of the target along the curve, by trapezoids, while
    positions are replaced by a constant.

    Parameters
    ----------
    patch_size : int or tuple of int, default 1
        Sides of what is deleted together; Petsiuk deletes single pixels.
    steps : int or tuple of float, default 50
        The number of equal steps; Petsiuk deletes 224 pixels of 224 x 224 in each.
    imputer : str, default "constant"
        Values of deleted positions: 0, the mean of the data set if inputs are standardized.
    score : {"probability", "output", "correct"}, default "probability"
        What is followed.
    """

    name = "deletion"
    title = "deletion"
    patch_size: int | tuple[int, ...] = 1
    steps: int | tuple[float, ...] = 50


@dataclass(frozen=True)
class Insertion(FlippingMetric):
    """Area under the curve of the score while positions are inserted, most relevant first (Petsiuk 2018).

    The input is blurred, and its positions are restored: the mean probability of the target along the curve, by
    trapezoids. As restoring the k most relevant of K leaves the K - k least relevant blurred, it is the curve of pixel
    flipping with the least relevant first, read from its end, whose area is the same.

    Parameters
    ----------
    patch_size : int or tuple of int, default 1
        Sides of what is inserted together; Petsiuk inserts single pixels.
    steps : int or tuple of float, default 50
        The number of equal steps, or the increasing fractions of positions that are still imputed, up to 1.
    imputer : str, default "blur(sigma=5)"
        The values from which the curve begins, by default as in the program of Petsiuk for 224 x 224 pixels; inputs
        without neighbors need another one, such as "constant".
    score : {"probability", "output", "correct"}, default "probability"
        What is followed.
    """

    name = "insertion"
    title = "insertion"
    better = "higher"
    order = "least_relevant_first"
    patch_size: int | tuple[int, ...] = 1
    steps: int | tuple[float, ...] = 50
    imputer: str = "blur(sigma=5)"

    def summarize(self, curves: FlippingCurves) -> Measured:
        assert curves.least_relevant_first is not None
        last = curves.fractions[-1]
        return Measured(
            curves.area_least_relevant_first, curves.least_relevant_first[::-1].T, last - curves.fractions[::-1]
        )


@dataclass(frozen=True)
class ROAD(FlippingMetric):
    """Accuracy while the most relevant positions are imputed from their neighbors: remove and debias (Rong 2022).

    The share of the fractions at which the target still has the largest output, most relevant first: small if the
    explanation finds what the model uses. The imputation hides which positions were removed, so that the model does not
    recognize the class by the shape of the mask. The curve is 1 where the target has the largest output; its mean over
    samples is the curve of Rong.

    Parameters
    ----------
    patch_size : int or tuple of int, default 1
        Sides of what is removed together; Rong removes single pixels.
    steps : int or tuple of float, default (0.1, 0.2, ..., 0.9)
        The increasing fractions of removed positions, or the number of equal steps until all are.
    imputer : str, default "noisy_linear"
        Values of removed positions: the weighted mean of their neighbors with noise of 0.01.
    score : {"probability", "output", "correct"}, default "correct"
        What is followed.
    """

    name = "road"
    title = "ROAD"
    better = "lower"
    order = "most_relevant_first"
    patch_size: int | tuple[int, ...] = 1
    steps: int | tuple[float, ...] = tuple(tenth / 10 for tenth in range(1, 10))
    imputer: str = "noisy_linear"
    score: str = "correct"

    def summarize(self, curves: FlippingCurves) -> Measured:
        assert curves.most_relevant_first is not None
        return Measured(curves.most_relevant_first[1:].mean(0), curves.most_relevant_first.T, curves.fractions)
