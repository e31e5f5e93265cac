"""Measurement of the time of one explanation, by which a new run bounds the duration of its shards."""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.devices import placement
from whyset.runner.explained_batch import ExplainedBatch
from whyset.runner.output_spec import OutputSpec, explainer
from whyset.runner.prefetch import Batch, Prefetcher
from whyset.runner.targets import label_tensor

_MOST_SECONDS = 10.0
"""Duration of the measurement at most, unless a single sample takes longer."""
_ONE_OF = 100
"""At most one sample of so many is explained for it: the size of the shards of a short run matters little."""


def seconds_per_row(model: torch.nn.Module, reading: Prefetcher, wanted: OutputSpec, batch_size: int) -> float:
    """Measure the seconds that one explanation takes, with reading its sample, on the first batch after a warm-up.

    The warm-up explains one sample and bounds the time: for a slow model or a short run, less than a batch is measured.
    Both begin with the first readable sample. If no sample can be explained, or none is read in time, the result is
    infinity: then shards are as small as possible, and each reports its error.
    """
    count, each = len(reading.source), wanted.targets.count
    try:
        first = _first_readable(reading)
        with torch.random.fork_rng(devices=[]), explainer(model, wanted) as explain:

            def time_batch(samples: int) -> float:
                """Return the seconds per explained sample; unreadable ones take less time and are not counted."""
                began, explained = time.perf_counter(), 0
                for batch in reading.batches(first, first + samples, samples):
                    _explain(model, reading, explain, batch)
                    explained += len(batch.indices)
                return (time.perf_counter() - began) / explained

            warm_up = time_batch(1)
            samples = max(1, min(batch_size, count - first, count // _ONE_OF, int(_MOST_SECONDS / warm_up)))
            return (warm_up if samples == 1 and warm_up > _MOST_SECONDS else time_batch(samples)) / each
    except Exception:
        return math.inf


def _first_readable(reading: Prefetcher) -> int:
    """Find the first readable sample; InputError if there is none, or if it is not found in time."""
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
    """Explain a batch as in a shard, and wait until its maps are on the CPU."""
    if not batch.indices:
        return
    x = batch.place(reading.source.preprocessing, *placement(model))
    explained = explain(x, label_tensor(batch.labels, x.device))
    for relevance in explained.relevance.values():
        relevance.cpu()
