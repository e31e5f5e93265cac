"""Explain the samples of one shard and write it whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.attribution import Gradient
from whyset.errors import InputError
from whyset.runner.devices import placement
from whyset.runner.job import Job, Worker
from whyset.runner.sources import UNKNOWN
from whyset.runner.versions import provenance
from whyset.store import Run, write_shard


@dataclass(frozen=True)
class ShardReport:
    """What one shard contributed: samples explained, failed, with a known label, and predicted as labelled."""

    shard: int
    samples: int
    failed: int
    labelled: int
    correct: int


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The arrays of one shard while they are filled; `failures` maps sample indices to what went wrong."""

    start: int
    arrays: dict[str, NDArray[Any]]
    failures: dict[int, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, run: Run, shard: int) -> "ShardRows":
        start, stop = run.shard_range(shard)
        specs = [spec for spec in run.arrays if spec.name not in run.own_arrays]
        widened = {spec.name: "float32" if spec.scaled else spec.dtype for spec in specs}
        arrays = {spec.name: np.full((stop - start, *spec.shape), spec.fill, widened[spec.name]) for spec in specs}
        return cls(start, arrays)

    def put(self, indices: Sequence[int], **values: NDArray[Any]) -> None:
        rows = np.asarray(indices) - self.start
        for name, array in self.arrays.items():
            key = "relevance" if name.startswith("attribution/") else name
            array[rows] = values[key]


def explain_shard(worker: Worker, shard: int) -> ShardReport:
    """Explain and write one shard; a sample that fails is recorded with its error."""
    job = worker.job
    start, stop = job.run.shard_range(shard)
    rows = ShardRows.empty(job.run, shard)
    device = placement(worker.model)[0]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(job.seed + shard)
        with Gradient(worker.model, job.composite) as attribute:
            for first in range(start, stop, job.batch_size):
                indices = range(first, min(first + job.batch_size, stop))
                _explain_batch(worker, attribute, indices, rows)
                if worker.advance is not None:
                    worker.advance(len(indices))
    write_shard(job.run, shard, rows.arrays, rows.failures, provenance(device))
    return _report(job, shard, rows)


def _explain_batch(worker: Worker, attribute: Gradient, indices: range, rows: ShardRows) -> None:
    job = worker.job
    read, samples = _read(job, indices, rows.failures)
    if not read:
        return
    labels = [label for _, label in samples]
    x = torch.stack([image for image, _ in samples]).to(*placement(worker.model))
    target = job.target.of_batch(labels, worker.model, x)
    output, exact = attribute(x, target)
    relevance = exact.float()
    _record_non_finite(read, output, relevance, rows.failures)
    confidence, prediction = output.detach().float().softmax(dim=1).max(dim=1)
    rows.put(
        read,
        relevance=_numpy(relevance),
        input=job.source.preprocessing.undo(_numpy(x.float())),
        target=_numpy(prediction if target is None else target),
        prediction=_numpy(prediction),
        confidence=_numpy(confidence),
    )


def _read(
    job: Job, indices: range, failures: dict[int, str]
) -> tuple[list[int], list[tuple[torch.Tensor, int | None]]]:
    """The samples that can be read, with their indices."""
    shape = tuple(job.run.relevance.shape[1:])
    read, samples = [], []
    for index in indices:
        try:
            sample = job.source[index]
            if tuple(sample[0].shape) != shape:
                raise InputError(f"the input has the shape {tuple(sample[0].shape)}, expected {shape}: give a size")
        except Exception as error:
            failures[index] = f"{type(error).__name__}: {' '.join(str(error).split())}"
        else:
            read.append(index)
            samples.append(sample)
    return read, samples


def _record_non_finite(
    read: list[int], output: torch.Tensor, relevance: torch.Tensor, failures: dict[int, str]
) -> None:
    for what, values in (("output", output), ("relevance", relevance)):
        flat = values.detach().flatten(1)
        counts = (~torch.isfinite(flat)).sum(dim=1).tolist()
        for index, count in zip(read, counts, strict=True):
            if count:
                failures.setdefault(index, f"the {what} is not finite: {count} of {flat.shape[1]} values")


def _report(job: Job, shard: int, rows: ShardRows) -> ShardReport:
    start, stop = job.run.shard_range(shard)
    labels = job.run.labels[start:stop].copy()
    labels[[index - start for index in rows.failures]] = UNKNOWN
    labelled = labels != UNKNOWN
    correct = int((labels == rows.arrays["prediction"])[labelled].sum())
    return ShardReport(shard, stop - start, len(rows.failures), int(labelled.sum()), correct)


def _numpy(values: torch.Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.detach().cpu().numpy()
    return array
