"""How fast samples are explained here: whoever creates a run bounds its shards in time by it."""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.devices import placement
from whyset.runner.output_spec import ExplainedBatch, OutputSpec, explainer
from whyset.runner.prefetch import Batch, Prefetcher
from whyset.runner.targets import label_tensor

_MOST_SECONDS = 10.0
"""What the measurement may take, unless a single sample takes longer."""


def seconds_per_row(model: torch.nn.Module, reading: Prefetcher, wanted: OutputSpec, batch_size: int) -> float:
    """Seconds that one explanation takes, reading of its sample included, by the first batch after a warm-up.

    One sample is explained first, which loads and allocates what is needed and bounds the time: of a slow model less
    than a batch is measured. Both begin with the first sample that can be read. Where samples cannot be explained at
    all, or none is read in time, infinity: shards are then as small as may be, and each of them reports its error.
    """
    count, each = len(reading.source), wanted.targets.count
    try:
        first = _first_readable(reading)
        with torch.random.fork_rng(devices=[]), explainer(model, wanted) as explain:

            def time_batch(samples: int) -> float:
                """Seconds for each sample that was explained: one that cannot be read takes less, and would count."""
                began, explained = time.perf_counter(), 0
                for batch in reading.batches(first, first + samples, samples):
                    _explain(model, reading, explain, batch)
                    explained += len(batch.indices)
                return (time.perf_counter() - began) / explained

            warm_up = time_batch(1)
            samples = max(1, min(batch_size, count - first, int(_MOST_SECONDS / warm_up)))
            return (warm_up if samples == 1 and warm_up > _MOST_SECONDS else time_batch(samples)) / each
    except Exception:
        return math.inf


def _first_readable(reading: Prefetcher) -> int:
    """The first sample that can be read; InputError: there is none, or it was not found in time."""
    began = time.perf_counter()
    for index in range(len(reading.source)):
        if reading.sample(index).x is not None:
            return index
        if time.perf_counter() - began > _MOST_SECONDS:
            break
    raise InputError("no sample could be read")


def _explain(
    model: torch.nn.Module, reading: Prefetcher, explain: Callable[[Tensor, Tensor], ExplainedBatch], batch: Batch
) -> None:
    """Explain a batch as a shard's are, and wait until its maps have arrived."""
    if not batch.indices:
        return
    x = batch.place(reading.source.preprocessing, *placement(model))
    explained = explain(x, label_tensor(batch.labels, x.device))
    for relevance in explained.relevance.values():
        relevance.cpu()
