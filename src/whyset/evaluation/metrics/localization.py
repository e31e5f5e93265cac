"""Metrics of localization: how much of the relevance is in the region that is known to be decisive."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage
from scipy.stats import rankdata

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import divide, pool_masks, pool_relevance


@dataclass(frozen=True)
class Localization(Metric):
    """Base of the metrics of localization; masks may be those of boxes, which `draw_boxes` draws.

    The relevance of a position is summed over the channels. All of them are NaN for a mask without any position, and
    the positions of a mask are those of the input.
    """

    better = "higher"
    needs = frozenset({"masks"})


@dataclass(frozen=True)
class RelevanceMass(Localization):
    """Share of the relevance within the mask (relevance mass accuracy, Arras 2022).

    `sum_{i in mask} R_i / sum_i R_i` over the positive relevance of the positions. It is NaN for a map without positive
    relevance.

    Parameters
    ----------
    sign : {"positive", "absolute"}, default "positive"
        What counts: the positive sums over the channels, or absolute values, for methods whose sign has no meaning.

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance, masks = tensor([[3.0, 1.0, -5.0]]), tensor([[True, False, False]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 3), ones(1).long(), relevance, np.arange(1), masks=masks)
    >>> float(RelevanceMass().measure(batch).values[0])
    0.75
    """

    name = "relevance_mass"
    title = "relevance mass"
    sign: Literal["positive", "absolute"] = "positive"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sign not in ("positive", "absolute"):
            raise InputError(f"{type(self).__name__}(sign={self.sign!r}): expected 'positive' or 'absolute'")

    def measure(self, batch: ExplainedSamples) -> Measured:
        relevance, masks = pool_relevance(batch, self.sign), pool_masks(batch)
        shares = divide((relevance * masks).sum(1), relevance.sum(1))
        return Measured(np.where(masks.any(1), shares, np.nan))


@dataclass(frozen=True)
class WeightedRelevanceMass(RelevanceMass):
    """Share of the relevance within the mask, divided by the mask's share of the positions (Kohlbrenner 2020).

    The weighted attribution localization: `mu_w = mu S / S_mask` for the relevance mass mu, a mask of S_mask positions
    and inputs of S: 1 is expected of relevance that is spread evenly. Without the weight, Kohlbrenner's mu is
    `RelevanceMass`.

    Parameters
    ----------
    sign : {"positive", "absolute"}, default "positive"
        What counts, as in `RelevanceMass`.

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance, masks = tensor([[3.0, 1.0, -5.0]]), tensor([[True, False, False]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 3), ones(1).long(), relevance, np.arange(1), masks=masks)
    >>> float(WeightedRelevanceMass().measure(batch).values[0])
    2.25
    """

    name = "weighted_relevance_mass"
    title = "relevance mass by area"

    def measure(self, batch: ExplainedSamples) -> Measured:
        masks = pool_masks(batch)
        return Measured(divide(super().measure(batch).values, masks.mean(1)))


@dataclass(frozen=True)
class RelevanceRank(Localization):
    """Share of the most relevant positions that are in the mask (relevance rank accuracy, Arras 2022).

    `|{the K positions of the largest R_i} and mask| / K` for a mask of K positions. Equal positions at the K-th place
    count in proportion, as if their order were random.

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance, masks = tensor([[3.0, 1.0, 2.0]]), tensor([[True, True, False]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 3), ones(1).long(), relevance, np.arange(1), masks=masks)
    >>> float(RelevanceRank().measure(batch).values[0])
    0.5
    """

    name = "relevance_rank"
    title = "relevance rank"

    def measure(self, batch: ExplainedSamples) -> Measured:
        masks = pool_masks(batch)
        return Measured(_share_of_top(pool_relevance(batch), masks, masks.sum(1)))


@dataclass(frozen=True)
class TopKIntersection(Localization):
    """Share of the k most relevant positions that are in the mask (Theiner 2021).

    `|{the k positions of the largest R_i} and mask| / k`. Equal positions at the k-th place count in proportion.

    Parameters
    ----------
    k : int, default 100
        The number of positions, at least 1; all of them, if inputs have fewer.

    Raises
    ------
    InputError
        `k` is not a positive whole number.

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance, masks = tensor([[3.0, 1.0, 2.0]]), tensor([[True, True, False]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 3), ones(1).long(), relevance, np.arange(1), masks=masks)
    >>> float(TopKIntersection(k=1).measure(batch).values[0])
    1.0
    """

    name = "top_k_intersection"
    title = "top-k intersection"
    k: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("k", self.k, 1)

    def measure(self, batch: ExplainedSamples) -> Measured:
        relevance, masks = pool_relevance(batch), pool_masks(batch)
        count = np.full(len(masks), min(self.k, masks.shape[1]))
        return Measured(np.where(masks.any(1), _share_of_top(relevance, masks, count), np.nan))


def _share_of_top(relevance: np.ndarray, masks: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the share of the `count` most relevant positions of each sample in its mask; equal ones in proportion."""
    descending = -np.sort(-relevance, axis=1)
    last = np.take_along_axis(descending, np.maximum(count - 1, 0)[:, None], axis=1)
    above, equal = relevance > last, relevance == last
    share_of_equal = (count - above.sum(1)) / equal.sum(1)  # there is at least one
    found = (above & masks).sum(1) + share_of_equal * (equal & masks).sum(1)
    return divide(found, count)


@dataclass(frozen=True)
class PointingGame(Localization):
    """Hit or miss of the mask by the position of the largest relevance (Zhang 2018).

    1 if the distance of `argmax_i R_i` to the mask is at most `tolerance`, otherwise 0. If several positions have the
    largest relevance, the share of them: the expectation of a random choice.

    Parameters
    ----------
    tolerance : int, default 0
        The largest Euclidean distance of a hit to the mask, in elements; Zhang 2018 uses 15 pixels. Features have no
        distance: it must be 0.

    Raises
    ------
    InputError
        `tolerance` is not 0 or a positive whole number, or not 0 for inputs (n, features).

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance, masks = tensor([[3.0, 1.0, 2.0]]), tensor([[True, True, False]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 3), ones(1).long(), relevance, np.arange(1), masks=masks)
    >>> float(PointingGame().measure(batch).values[0])
    1.0
    """

    name = "pointing_game"
    title = "pointing game"
    tolerance: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("tolerance", self.tolerance, 0)

    def measure(self, batch: ExplainedSamples) -> Measured:
        relevance, masks = pool_relevance(batch), pool_masks(batch)
        at_largest = relevance == relevance.max(1, keepdims=True)
        hits = (at_largest & self._grow(masks, batch)).sum(1) / at_largest.sum(1)
        return Measured(np.where(masks.any(1), hits, np.nan))

    def _grow(self, masks: np.ndarray, batch: ExplainedSamples) -> np.ndarray:
        if not self.tolerance:
            return masks
        if batch.x.dim() == 2:
            raise InputError(f"PointingGame(tolerance={self.tolerance}): features have no distance, expected 0")
        shaped = masks.reshape(len(masks), *batch.x.shape[2:])
        distances = np.stack([ndimage.distance_transform_edt(~mask) for mask in shaped])
        return (distances <= self.tolerance).reshape(masks.shape)


@dataclass(frozen=True)
class LocalizationAUC(Localization):
    """Area under the ROC curve of the relevance as a detector of the mask (Fawcett 2006).

    The probability that a position in the mask has a larger R_i than one outside, where equal ones count half: 0.5 is
    expected of a random map. It is NaN if the mask is everything.

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance, masks = tensor([[3.0, 1.0, 2.0]]), tensor([[True, False, True]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 3), ones(1).long(), relevance, np.arange(1), masks=masks)
    >>> float(LocalizationAUC().measure(batch).values[0])
    1.0
    """

    name = "localization_auc"
    title = "AUC of localization"

    def measure(self, batch: ExplainedSamples) -> Measured:
        relevance, masks = pool_relevance(batch), pool_masks(batch)
        inside = masks.sum(1)
        ranks = (rankdata(relevance, axis=1) * masks).sum(1)
        pairs = (inside * (masks.shape[1] - inside)).astype(np.float64)
        return Measured(divide(ranks - inside * (inside + 1) / 2, pairs))
