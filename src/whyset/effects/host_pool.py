"""The samples that can be hosts: read once, with the scores that the model gives them unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.errors import WhysetError
from whyset.interventions import choose_hosts
from whyset.runner.devices import placement
from whyset.runner.prefetch import Prefetcher

MOST_BYTES = 256 * 2**20
MOST_HOSTS = 2048


@dataclass(frozen=True, eq=False)
class HostPool:
    """Samples that can be hosts, in ascending order of their numbers, as inputs of the model, and their scores."""

    samples: NDArray[np.int64]
    x: Tensor
    scores: Tensor

    def find(self, numbers: NDArray[np.int64]) -> Tensor:
        """Return the places of samples in the pool."""
        return torch.from_numpy(np.searchsorted(self.samples, numbers)).to(self.x.device)


def draw_pool(samples: NDArray[np.int64], bytes_each: int, seed: int) -> NDArray[np.int64]:
    """Draw the samples that can be hosts, in ascending order: all, or as many as memory permits."""
    count = min(len(samples), MOST_HOSTS, max(64, MOST_BYTES // max(1, bytes_each)))
    drawn = np.random.default_rng([seed, 0]).permutation(len(samples))[:count]
    return np.sort(samples[drawn])


def read_pool(samples: NDArray[np.int64], reading: Prefetcher, model: nn.Module, batch_size: int) -> HostPool:
    """Read the samples of the pool, and evaluate the model on them."""
    inputs, scores = [], []
    for first in range(0, len(samples), batch_size):
        x = read_inputs(reading, samples[first : first + batch_size].tolist(), model)
        inputs.append(x)
        scores.append(model(x).float())
    return HostPool(samples, torch.cat(inputs), torch.cat(scores))


def read_inputs(reading: Prefetcher, samples: Sequence[int], model: nn.Module) -> Tensor:
    """Read samples as inputs of the model, on its device; WhysetError: one cannot be read any more."""
    batch = reading.gather(samples)
    for sample, error in batch.failures.items():
        raise WhysetError(f"sample {sample} ({reading.source.ids[sample]}) cannot be read any more: {error}")
    return batch.place(reading.source.preprocessing, *placement(model))


@dataclass(frozen=True, eq=False)
class HostChoice:
    """The choice of hosts for the samples of one class: which of the pool, and in which order.

    `labels` are the classes of all samples, with the tested class for its own samples. Each sample has one sequence of
    hosts without repetition, of which the first `n_selection` select candidates and the following ones are fresh.
    """

    labels: NDArray[np.int64]
    pool: NDArray[np.int64]
    n_selection: int
    n_fresh: int
    seed: int

    def count_others(self, label: int) -> int:
        """Return the number of hosts of other classes."""
        return int((self.labels[self.pool] != label).sum())

    def for_selection(self, samples: NDArray[np.int64], count: int | None = None) -> NDArray[np.int64]:
        """Return the hosts that select candidates, or the first `count` of them, (n, count)."""
        return self._choose(samples, self.n_selection if count is None else count, 0)

    def fresh(self, samples: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return the first fresh hosts, (n, count)."""
        return self._choose(samples, count, self.n_selection)

    def for_null(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sample of another class whose statistic is the null, (n,)."""
        return self._choose(samples, 1, self.n_selection + self.n_fresh)[:, 0]

    def for_removal(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the host whose content replaces removed evidence, (n,)."""
        return self._choose(samples, 1, self.n_selection + self.n_fresh + 1)[:, 0]

    def _choose(self, samples: NDArray[np.int64], count: int, skip: int) -> NDArray[np.int64]:
        return choose_hosts(self.labels, samples, count, seed=self.seed, skip=skip, among=self.pool)
