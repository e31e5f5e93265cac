"""Masks of the k most relevant entries of each sample, and of other entries of the same number."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.draws import draw_order


def largest_entries(values: Tensor, count: int, user: str) -> Tensor:
    """Return a mask of the `count` largest entries of each row (n, k) that are positive; of equal ones, the first.

    InputError: there are fewer entries.

    >>> largest_entries(torch.tensor([[1.0, 3.0, 3.0, 0.0], [0.0, 0.0, 5.0, -1.0]]), 2, "Features")
    tensor([[False,  True,  True, False],
            [False, False,  True, False]])
    """
    if values.shape[1] < count:
        raise InputError(f"{user}(count={count}): expected at least as many entries, got {values.shape[1]}")
    chosen = values.argsort(dim=1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(values, dtype=torch.bool).scatter_(1, chosen, True) & (values > 0)


def draw_other_entries(mask: Tensor, generators: Sequence[np.random.Generator], user: str) -> Tensor:
    """Return a random mask of as many other entries of each row (n, k).

    InputError: a row has fewer other entries.
    """
    counts = mask.sum(1, keepdim=True)
    if bool((counts * 2 > mask.shape[1]).any()):
        raise InputError(
            f"{user}: expected at least {2 * int(counts.max())} entries, so that as many others are the null, got "
            f"{mask.shape[1]}: choose a smaller count"
        )
    order = draw_order(tuple(mask.shape[1:]), generators, mask).masked_fill(mask, 2.0)
    return order.argsort(dim=1, stable=True).argsort(1) < counts
