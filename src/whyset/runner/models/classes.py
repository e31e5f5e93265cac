"""The number of classes that a checkpoint was trained for."""

from collections.abc import Callable

import torch

from whyset.errors import InputError
from whyset.runner.models.checkpoint import Checkpoint

Build = Callable[[int], torch.nn.Module]


def class_count(build: Build, checkpoint: Checkpoint, spec: str) -> int:
    """Get the number of classes of a checkpoint from the shapes that depend on it.

    The model is built for two class counts without allocating memory; no layer's name need be known.
    """
    with torch.device("meta"):
        one, other = build(7).state_dict(), build(11).state_dict()
    counts = {
        checkpoint.tensors[name].shape[axis]
        for name in one
        for axis in range(one[name].ndim)
        if one[name].shape[axis] == 7 and other[name].shape[axis] == 11
        if name in checkpoint.tensors and checkpoint.tensors[name].ndim == one[name].ndim
    }
    if len(counts) != 1:
        raise InputError(
            f"the weights in {checkpoint.path} do not fit {spec}: "
            + (
                f"their layers have {sorted(counts)} classes: expected one number"
                if counts
                else "they have no layer for the classes"
            )
        )
    return int(counts.pop())
