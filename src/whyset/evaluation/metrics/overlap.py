"""Intersection over union of the region of the largest relevance and the mask; masks from boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from torch import Tensor

from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.localization import Localization
from whyset.evaluation.metrics.metric import Measured
from whyset.evaluation.metrics.pooling import pool_masks, pool_relevance


@dataclass(frozen=True)
class IntersectionOverUnion(Localization):
    """Overlap of the region of the largest relevance with the mask: intersection over union.

    The region contains the positions with `R_i >= threshold max_j R_j`, for the positive relevance R_i: with `as_box`,
    the smallest box around its largest connected part, as Zhou 2016 makes boxes of class activation maps, with a
    threshold of 0.2. It is NaN for a map without positive relevance.

    Parameters
    ----------
    threshold : float, default 0.2
        The share of the largest relevance from which positions are in the region: more than 0, at most 1.
    as_box : bool, default False
        Compare the box of the region with the box of the mask; parts are connected through sides of their positions.

    Raises
    ------
    InputError
        `threshold` is not in this range, or `as_box` is set for inputs (n, features).

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance, masks = tensor([[3.0, 0.1, 2.0]]), tensor([[True, True, False]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 3), ones(1).long(), relevance, np.arange(1), masks=masks)
    >>> round(float(IntersectionOverUnion().measure(batch).values[0]), 3)
    0.333
    """

    name = "iou"
    title = "intersection over union"
    threshold: float = 0.2
    as_box: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.threshold <= 1:
            raise InputError(
                f"IntersectionOverUnion(threshold={self.threshold!r}): expected a share of the largest relevance, "
                "more than 0 and at most 1"
            )

    def measure(self, batch: ExplainedSamples) -> Measured:
        relevance, masks = pool_relevance(batch, "positive"), pool_masks(batch)
        largest = relevance.max(1, keepdims=True)
        regions = (relevance >= self.threshold * largest) & (largest > 0)
        if self.as_box:
            if batch.x.dim() == 2:
                raise InputError("IntersectionOverUnion(as_box=True): features have no neighbors, so no boxes")
            shape = tuple(batch.x.shape[2:])
            regions, masks = (
                np.stack([_fill_box(each.reshape(shape), part).ravel() for each in these])
                for these, part in ((regions, True), (masks, False))
            )
        shares = (regions & masks).sum(1) / np.maximum((regions | masks).sum(1), 1)
        return Measured(np.where(masks.any(1) & (largest[:, 0] > 0), shares, np.nan))


def _fill_box(region: NDArray[np.bool_], largest_part: bool) -> NDArray[np.bool_]:
    """Return the smallest box around a region, or around its largest connected part."""
    box = np.zeros_like(region)
    if region.any():
        numbers, _ = ndimage.label(region)
        chosen = numbers == np.bincount(numbers[region]).argmax() if largest_part else region
        box[tuple(slice(axis.min(), axis.max() + 1) for axis in np.nonzero(chosen))] = True
    return box


def draw_boxes(boxes: Sequence[ArrayLike], shape: Sequence[int]) -> Tensor:
    """Return the masks of samples whose decisive regions are known as boxes.

    Parameters
    ----------
    boxes : sequence of array_like
        The boxes of each sample (k, 4) as (x_min, y_min, x_max, y_max) in pixels, as in torchvision, or one of them
        (4,). The mask contains the pixels from `min` to less than `max`, rounded to whole numbers. For inputs with
        another number of dimensions, the minima come first, then the maxima, each in reverse order of the dimensions.
    shape : sequence of int
        The lengths of the dimensions after the channels, such as (height, width).

    Returns
    -------
    Tensor of bool
        The masks (n, 1, ...): the union of the boxes of each sample.

    Raises
    ------
    InputError
        Boxes have another number of coordinates, a maximum is less than its minimum, or a box is outside.

    Examples
    --------
    >>> draw_boxes([(1, 0, 3, 2)], (2, 4)).int()
    tensor([[[[0, 1, 1, 0],
              [0, 1, 1, 0]]]], dtype=torch.int32)
    """
    masks = torch.zeros(len(boxes), 1, *shape, dtype=torch.bool)
    for row, given in enumerate(boxes):
        found = np.asarray(given, dtype=np.float64)
        if found.size % (2 * len(shape)) or found.ndim > 2:
            raise InputError(
                f"boxes: expected {2 * len(shape)} numbers for each box, got shape {found.shape} (row {row})"
            )
        for box in found.reshape(-1, 2 * len(shape)).round().astype(np.int64):
            low, high = box[: len(shape)][::-1], box[len(shape) :][::-1]
            if (low < 0).any() or (high < low).any() or (high > np.array(shape)).any():
                raise InputError(
                    f"boxes: expected a box within {tuple(shape)}, minima first, got {box.tolist()} (row {row})"
                )
            masks[row, 0][tuple(slice(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True))] = True
    return masks
