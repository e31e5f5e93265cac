"""The samples of an evaluation, explained by one method, as metrics are given them: batch by batch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Metric, Need

MOST_BYTES = 256 * 2**20
"""Batches are kept for the next metric if all of them have at most so many bytes; otherwise they are read again."""
NAMES: Mapping[Need, str] = {
    "model": "the outputs of the model",
    "explain": "explanations of further inputs",
    "masks": "masks of the regions that are known to be decisive",
}


@dataclass(frozen=True, eq=False)
class Material:
    """Samples with their relevance by one method.

    Parameters
    ----------
    count : int
        The number of samples.
    read : callable
        Returns the batch of some of them, given by their places (k,) among these samples.
    batch_size : int
        The number of samples that are measured together.
    lacks : mapping of str to str
        The needs of metrics that cannot be met, with the reasons.
    """

    count: int
    read: Callable[[NDArray[np.int64]], ExplainedSamples]
    batch_size: int
    lacks: Mapping[Need, str]
    _batches: list[ExplainedSamples] = field(default_factory=list)

    def batches(self) -> Iterator[ExplainedSamples]:
        """Yield the batches in order; those that fit into memory are read once."""
        yield from self._batches
        for start in range(len(self._batches) * self.batch_size, self.count, self.batch_size):
            batch = self.read(np.arange(start, min(start + self.batch_size, self.count)))
            if self._is_small(batch) and start == len(self._batches) * self.batch_size:
                self._batches.append(batch)
            yield batch

    def require_fitting_masks(self) -> None:
        """Read a batch if there are masks; InputError: they have another shape than the inputs."""
        if "masks" not in self.lacks:
            next(self.batches())

    def find_lack(self, metric: Metric) -> str | None:
        """Return the reason why a metric cannot be measured, or None."""
        lacking = [need for need in sorted(metric.needs) if need in self.lacks]
        if not lacking:
            return None
        return f"it needs {' and '.join(NAMES[need] for need in lacking)}: {self.lacks[lacking[0]]}"

    def _is_small(self, batch: ExplainedSamples) -> bool:
        return _count_bytes(batch.x, batch.relevance) / max(1, len(batch.rows)) * self.count <= MOST_BYTES


def _count_bytes(*tensors: Tensor) -> int:
    return sum(one.element_size() * one.numel() for one in tensors)


class NoModel(nn.Module):
    """The model of samples of which only relevance maps are known."""

    def forward(self, *_: Tensor) -> Tensor:
        """Raise InputError: a metric that calls the model states it in `needs`."""
        raise InputError("the model is not known: a metric that calls it must have 'model' among its needs")
