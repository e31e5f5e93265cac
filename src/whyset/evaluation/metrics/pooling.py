"""The relevance and the masks of samples by position, for metrics that do not distinguish channels."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.scores import check_relevance

Values = NDArray[np.float64]
Sign = Literal["positive", "absolute", "signed"]


def pool_relevance(batch: ExplainedSamples, sign: Sign = "signed") -> Values:
    """Return the relevance (n, positions), summed over the channels of a position, by its sign.

    "positive" keeps the positive sums, "absolute" takes their absolute value, "signed" leaves them as they are.
    """
    return pool(check_relevance(batch.relevance, batch.x), batch.x, sign)


def pool(relevance: Tensor, x: Tensor, sign: Sign) -> Values:
    """Return the relevance (n, positions) of a tensor (n, channels or 1, ...) or (n, features)."""
    by_position = relevance if x.dim() == 2 else relevance.sum(1)
    flat: Values = by_position.reshape(len(x), -1).double().cpu().numpy()
    return {"signed": flat, "positive": flat.clip(min=0), "absolute": np.abs(flat)}[sign]


def get_position_shape(x: Tensor) -> tuple[int, ...]:
    """Return the shape of the positions of inputs: without the channels, if they have any."""
    return tuple(x.shape[1:] if x.dim() == 2 else x.shape[2:])


def pool_masks(batch: ExplainedSamples) -> NDArray[np.bool_]:
    """Return the masks (n, positions); InputError: they are not known, or have another shape than the inputs."""
    n_positions = int(np.prod(get_position_shape(batch.x)))
    if batch.masks is None:
        raise InputError("this metric needs the region that is known to be decisive: pass masks")
    if len(batch.masks) != len(batch.x) or batch.masks.numel() != len(batch.x) * n_positions:
        raise InputError(
            f"masks: expected one number for each position of inputs of shape {tuple(batch.x.shape)}, got "
            f"{tuple(batch.masks.shape)}"
        )
    return batch.masks.reshape(len(batch.x), -1).bool().cpu().numpy()


def divide(numerator: Values, denominator: Values) -> Values:
    """Return the quotients, NaN where the denominator is 0."""
    quotient = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient
