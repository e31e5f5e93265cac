"""A user's own processors, as they would lie in a file of theirs."""

from dataclasses import dataclass
from threading import Barrier

import numpy as np

from whyset.analysis import Processor


@dataclass(frozen=True)
class Power(Processor):
    exponent: float = 2.0

    def __call__(self, maps: np.ndarray) -> np.ndarray:
        return np.sign(maps) * np.abs(maps) ** self.exponent


@dataclass(frozen=True)
class Mixed(Processor):
    """Mixes the values of a map at random, all maps alike."""

    seeded = True

    def __call__(self, maps: np.ndarray, *, seed: int) -> np.ndarray:
        rows = maps.reshape(len(maps), -1)
        return rows @ np.random.default_rng(seed).normal(size=(rows.shape[1], 20)).astype(rows.dtype)


@dataclass(frozen=True)
class Meet(Processor):
    """Ends only if another step runs at the same time."""

    which: str

    def __call__(self, barrier: Barrier) -> str:
        barrier.wait(timeout=20)
        return self.which


class NoDataclass(Processor):
    def __call__(self, maps: np.ndarray) -> np.ndarray:
        return maps
