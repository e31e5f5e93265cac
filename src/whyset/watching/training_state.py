"""The state of a training that an explanation in between must not change."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from whyset.runner.devices import placement
from whyset.runner.randomness import restoring_generators


@contextmanager
def keep_random_state(model: nn.Module) -> Iterator[None]:
    """Restore the random numbers of Python, NumPy and torch afterwards, so that a training continues as without."""
    device = placement(model)[0]
    gpus = list(range(torch.cuda.device_count())) if device.type == "cuda" else []
    with restoring_generators(), torch.random.fork_rng(gpus):
        yield


@contextmanager
def plain_mode(model: nn.Module) -> Iterator[None]:
    """Compute with gradients and in the precision of the model, whatever the loop around it has chosen."""
    device = placement(model)[0]
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device.type, enabled=False):
        yield


def get_trained(model: nn.Module) -> nn.Module:
    """Return the model that a wrapper for several devices or a compiled one trains."""
    while True:
        inner = getattr(model, "_orig_mod", None)  # torch.compile
        if inner is None and isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner
