"""The samples of a tuning, explained by any candidate, and the values of a metric."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.attribution.methods import Method
from whyset.effects.host_pool import read_inputs
from whyset.errors import InputError, NotTestedError
from whyset.evaluation.explaining import MethodExplainer
from whyset.evaluation.masks import place_masks
from whyset.evaluation.material import Material
from whyset.evaluation.measuring import measure
from whyset.evaluation.metrics import Metric
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Need
from whyset.evaluation.run_material import NO_MASKS
from whyset.runner.prefetch import digest_inputs
from whyset.runner.reduction import Reduction
from whyset.runner.reopening import ReopenedRun
from whyset.runner.score_model import ScoreModel
from whyset.store.evaluations import MetricValues

Numbers = NDArray[np.int64]
ONLY_RANDOM = "random relevance is not that of a method"


@dataclass(frozen=True, eq=False)
class TuningSamples:
    """Samples with their inputs and targets in memory, in batches.

    Parameters
    ----------
    model : ScoreModel
        The model, which returns the scores of the classes.
    numbers : ndarray of int64
        The numbers of the samples (n,), from which their random numbers follow.
    x : Tensor
        The inputs (n, ...).
    target : Tensor of int64
        The explained class of each (n,).
    masks : ndarray of bool or None
        The region of each sample that is known to be decisive.
    seed : int
        The seed of random numbers.
    batch_size : int
        The number of samples that are explained and measured together.
    """

    model: ScoreModel
    numbers: Numbers
    x: Tensor
    target: Tensor
    masks: NDArray[np.bool_] | None
    seed: int
    batch_size: int

    def select(self, places: Numbers) -> "TuningSamples":
        """Return some of the samples, by their places."""
        masks = None if self.masks is None else self.masks[places]
        index = torch.from_numpy(places).to(self.x.device)
        return replace(self, numbers=self.numbers[places], x=self.x[index], target=self.target[index], masks=masks)

    def find_lack(self, metric: Metric) -> str | None:
        """Return the reason why a metric cannot be measured, or None."""
        return Material(len(self.x), self._read_random, self.batch_size, self._lacks).find_lack(metric)

    def measure(self, metric: Metric, method: Method | None) -> MetricValues:
        """Measure a metric of the explanations by a method; None is random relevance.

        InputError: the relevance is not finite, or the metric cannot be measured.
        """
        began = time.perf_counter()
        read = self._read_random if method is None else _Explained(self, method).read
        lacks = self._lacks | ({"explain": ONLY_RANDOM} if method is None else {})
        material = Material(len(self.x), read, self.batch_size, lacks)
        lack = material.find_lack(metric)
        if lack is not None:
            raise InputError(lack)
        found = measure(metric, material, self.seed, lambda _: None)  # progress counts candidates
        return replace(found, seconds=round(time.perf_counter() - began, 3))

    @property
    def _lacks(self) -> dict[Need, str]:
        return {} if self.masks is not None else {"masks": NO_MASKS}

    def make_batch(self, places: Numbers, relevance: Tensor | None = None, explain: Any = None) -> ExplainedSamples:
        """Return a batch without explanations, or with these."""
        x, target = self.x[places[0] : places[-1] + 1], self.target[places[0] : places[-1] + 1]
        masks = None if self.masks is None else place_masks(self.masks[places], x)
        with_seeds = None if explain is None else explain.with_seeds
        found = torch.empty(0) if relevance is None else relevance
        rows = self.numbers[places]
        return ExplainedSamples(self.model, x, target, found, rows, self.seed, explain, masks, with_seeds)

    def _read_random(self, places: Numbers) -> ExplainedSamples:
        shape = self.x.shape[1:] if self.x.dim() == 2 else (1, *self.x.shape[2:])
        maps = [
            np.random.default_rng([self.seed, 17, int(row)]).random(shape, np.float32) for row in self.numbers[places]
        ]
        return self.make_batch(places, torch.from_numpy(np.stack(maps)).to(self.x.device))


@dataclass(frozen=True, eq=False)
class _Explained:
    """Reads batches of samples, explained by a method."""

    samples: TuningSamples
    method: Method

    def read(self, places: Numbers) -> ExplainedSamples:
        seeds = [self.samples.seed + int(number) for number in self.samples.numbers[places]]
        explain = MethodExplainer(self.method, Reduction(), seeds)
        batch = self.samples.make_batch(places)
        relevance = explain(batch.model, batch.x, batch.target)
        bad = (~relevance.isfinite()).flatten(1).any(1)
        if bool(bad.any()):
            raise InputError(f"the relevance of {int(bad.sum())} of {len(bad)} samples is not finite")
        return self.samples.make_batch(places, relevance, explain)


def read_samples(
    reopened: ReopenedRun, numbers: Numbers, target: Numbers, masks: NDArray[np.bool_] | None, seed: int, size: int
) -> TuningSamples:
    """Read the inputs of samples; NotTestedError: they cannot be read."""
    parts = [
        read_inputs(reopened.reading, numbers[start : start + size].tolist(), reopened.model)
        for start in range(0, len(numbers), size)
    ]
    if len({part.shape[1:] for part in parts}) > 1:
        raise NotTestedError("samples of different sizes are not tuned: metrics compare maps of one size")
    x = torch.cat(parts)
    model: Any = reopened.job.wanted.make_class_model(reopened.model)
    return TuningSamples(model, numbers, x, torch.from_numpy(target).to(x.device), masks, seed, size)


def find_distinct(x: Tensor) -> Numbers:
    """Return the places of the inputs (n, ...) that no earlier one equals, in ascending order.

    A repeated input would be tuned on and held out, and would count as further evidence for the same difference.

    >>> find_distinct(torch.tensor([[1.0], [2.0], [1.0]]))
    array([0, 1])
    """
    first: dict[str, int] = {}
    for place, digest in enumerate(digest_inputs(x, [None] * len(x))):
        first.setdefault(digest, place)
    return np.array(list(first.values()), np.int64)
