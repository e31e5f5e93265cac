"""Random numbers of a shard: seeded in its block, and as before afterwards."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_NUMPY_SEEDS = 2**32


@contextmanager
def seeding(seed: int, device: torch.device, everywhere: bool) -> Iterator[None]:
    """Seed the generators of torch in this block; `everywhere`: also those of NumPy and Python.

    >>> with seeding(3, torch.device("cpu"), everywhere=True):
    ...     first = torch.rand(2), np.random.rand()
    >>> with seeding(3, torch.device("cpu"), everywhere=True):
    ...     second = torch.rand(2), np.random.rand()
    >>> torch.equal(first[0], second[0]), first[1] == second[1]
    (True, True)
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        if not everywhere:
            yield
            return
        with restoring_generators():
            random.seed(seed)
            np.random.seed(seed % _NUMPY_SEEDS)
            yield


@contextmanager
def restoring_generators() -> Iterator[None]:
    """Restore the generators of Python and NumPy after this block."""
    before = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
