"""How many classes a checkpoint was trained for."""

from collections.abc import Callable

import torch

from whyset.errors import InputError
from whyset.runner.models.checkpoint import Checkpoint

Build = Callable[[int], torch.nn.Module]


def class_count(build: Build, checkpoint: Checkpoint, spec: str) -> int:
    """Build the model for two class counts without memory, see whose shape follows them, and read that shape off.

    No layer's name need be known: whatever depends on the number of classes shows it.
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
            + (f"they speak of {sorted(counts)} classes" if counts else "they have no layer for the classes")
        )
    return int(counts.pop())
