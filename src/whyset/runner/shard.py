"""Explanation of the samples of one shard, which is then written whole."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.runner.devices import placement
from whyset.runner.explained_batch import ExplainedBatch, join_batches
from whyset.runner.job import Job, ShardWorker
from whyset.runner.loss_measurement import LossSamples, measure_losses
from whyset.runner.output_kinds import NO_CLASS
from whyset.runner.output_spec import explainer
from whyset.runner.prefetch import Batch, gather_batches
from whyset.runner.randomness import seeding
from whyset.runner.sources import UNKNOWN, RowSource
from whyset.runner.sources.file_state import require_unchanged
from whyset.runner.sources.source import get_explained
from whyset.runner.tallies import Tallies
from whyset.runner.targets import label_tensor
from whyset.store import DONE, Run
from whyset.store.jsonfile import JSON
from whyset.store.layout import INPUT, STATUS
from whyset.store.losses import ShardLosses
from whyset.store.shards import write_shard

_TOGETHER_BYTES = 2**18
"""Batches are measured together until their maps have so many bytes, beyond which no time is saved."""


@dataclass(frozen=True)
class ShardReport:
    """Counts of one shard: samples explained, rows failed, samples with a known label and with a correct prediction."""

    shard: int
    samples: int
    failed: int
    labeled: int
    correct: int


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The arrays of one shard while they are filled; `failures` maps row numbers to what went wrong.

    A sample has `each` rows, one per target.
    """

    start: int
    each: int
    arrays: dict[str, NDArray[Any]]
    failures: dict[int, str] = field(default_factory=dict)
    tallies: Tallies = field(default_factory=Tallies)
    digests: list[str | None] = field(default_factory=list)

    @classmethod
    def empty(cls, run: Run, shard: int) -> "ShardRows":
        arrays = {}
        for spec in run.arrays:
            if spec.name not in run.own_arrays:
                first, last = run.entries(spec, shard)
                dtype = "float32" if spec.scaled else spec.dtype
                arrays[spec.name] = np.full((last - first, *spec.shape), spec.fill, dtype)
        return cls(run.shard_range(shard)[0], run.config.targets_per_sample, arrays)

    def put(self, batch: Batch, columns: Mapping[str, Tensor], of_samples: Mapping[str, Tensor]) -> None:
        """Store values (targets, samples, ...) by the name of their array, and the inputs as they are shown.

        `of_samples` are those that all targets share, (samples, ...).
        """
        samples = np.asarray(batch.indices, dtype=np.int64) - self.start // self.each
        if batch.shown is not None:
            self.arrays[INPUT][samples] = batch.shown
        for name, values in of_samples.items():
            self.arrays[name][samples] = values.detach().cpu().numpy()
        rows = (samples[:, None] * self.each + np.arange(self.each)).ravel()
        for name, values in columns.items():
            by_row = values.detach().movedim(0, 1).flatten(0, 1)
            self.arrays[name][rows] = by_row.cpu().numpy()

    def fail(self, sample: int, error: str) -> None:
        """Record the error of a sample for all of its rows."""
        for row in range(sample * self.each, (sample + 1) * self.each):
            self.failures.setdefault(row, error)


def explain_shard(worker: ShardWorker, shard: int) -> "ShardReport | Future[ShardReport]":
    """Compute one shard and hand it to the writer; a sample that fails is recorded with its error.

    JobStoppedError: a file that the samples are read from was changed since the worker opened it.
    """
    job = worker.job
    if job.run.is_committed(shard):  # its worker died before it could report it
        return read_shard_report(job.run, shard)
    rows, losses = _compute(worker, shard)
    require_unchanged(worker.files, f"so shard {shard} was not committed")
    return worker.writer.hand_over(partial(_write, job.run, shard, rows, losses, worker.provenance))


def _compute(worker: ShardWorker, shard: int) -> tuple[ShardRows, ShardLosses | None]:
    job, (device, dtype) = worker.job, placement(worker.model)
    rows = ShardRows.empty(job.run, shard)
    first, last = (row // rows.each for row in job.run.shard_range(shard))
    few, finished = LossSamples.for_shard(shard, last - first), Finished(job, rows)
    # Seeded per shard, so that results depend neither on the number of workers nor on the order of shards.
    with seeding(job.seed + shard, device, everywhere=job.wanted.method.draws_globally):
        with explainer(worker.model, job.wanted) as explain:
            for batch in worker.reading.batches(first, last, job.batch_size):
                rows.digests.extend(batch.digests)
                for sample, error in batch.failures.items():
                    rows.fail(sample, error)
                if batch.indices:
                    x = batch.place(job.source.preprocessing, device, dtype)
                    labels = label_tensor(batch.labels, device)
                    few.add(x, labels)
                    seeds = [job.seed + index for index in batch.indices]
                    finished.add(batch, explain(x, labels, seeds))
                worker.activity.step()
                worker.writer.require_writable()
        finished.keep()
        return rows, measure_losses(worker.model, job.wanted, few)


@dataclass(eq=False)
class Finished:
    """Explained batches of a shard, which are checked, measured and put into its `rows` together.

    Small batches would otherwise take more time for this than for their explanation.
    """

    job: Job
    rows: ShardRows
    batches: list[Batch] = field(default_factory=list)
    explained: list[ExplainedBatch] = field(default_factory=list)
    nbytes: int = 0

    def add(self, batch: Batch, explained: ExplainedBatch) -> None:
        self.batches.append(batch)
        # A copy, since a model may return a tensor into which it writes the next output.
        self.explained.append(replace(explained, output=explained.output.detach().clone()))
        self.nbytes += explained.nbytes
        if self.nbytes >= _TOGETHER_BYTES:
            self.keep()

    def keep(self) -> None:
        """Put the batches into the rows."""
        if self.batches:
            _keep(self.job, gather_batches(self.batches), join_batches(self.explained), self.rows)
        self.batches, self.explained, self.nbytes = [], [], 0


def _keep(job: Job, batch: Batch, explained: ExplainedBatch, rows: ShardRows) -> None:
    _record_unconfirmed(batch, explained, rows)
    _record_non_finite(batch, explained, rows)
    measures = explained.measure(job.wanted.conserving)
    columns = job.wanted.make_columns(explained.output, explained.chosen) | measures.columns
    known = {name: values for name, values in columns.items() if name in rows.arrays}  # earlier runs lack some
    rows.put(batch, {**explained.relevance, **known}, explained.activations)
    measured = getattr(job.source, "measured", None) is not None
    rows.tallies.add_inputs(get_explained(job.source, explained.inputs), job.source.preprocessing, measured)
    if not isinstance(job.source, RowSource):
        rows.tallies.add_labels(batch.labels, job.run.labels[np.array(batch.indices) * rows.each])
    rows.tallies.add_maps(measures)


def _record_unconfirmed(batch: Batch, explained: ExplainedBatch, rows: ShardRows) -> None:
    """Record a failure for samples whose output does not come from the same last activation as that of the others."""
    if explained.confirmed is None or bool(explained.confirmed.all()):
        return
    for sample, confirmed in zip(batch.indices, explained.confirmed.tolist(), strict=True):
        if not confirmed:
            rows.fail(
                sample,
                "the output of this sample is not that of a last softmax or sigmoid, as for other samples: give a "
                "model that returns logits",
            )


def _record_non_finite(batch: Batch, explained: ExplainedBatch, rows: ShardRows) -> None:
    """Record NaN and infinity in relevance as a failure of its row, elsewhere as one of all rows of the sample."""
    for what, values in {"output": explained.output.detach(), **explained.activations}.items():
        for sample, error in zip(batch.indices, _complaints(what, values), strict=True):
            if error:
                rows.fail(sample, error)
    for name, relevance in explained.relevance.items():
        where = "relevance" if name == "attribution/input" else f"relevance in {name}"
        for target, of_target in enumerate(relevance):
            for sample, error in zip(batch.indices, _complaints(where, of_target), strict=True):
                if error:
                    rows.failures.setdefault(sample * rows.each + target, error)


def _complaints(what: str, values: Tensor) -> list[str]:
    """Return an error for every sample of (n, ...), "" if all of its values are finite."""
    flat = values.flatten(1)
    if bool(torch.isfinite(flat).all()):
        return [""] * len(flat)
    counts = (~torch.isfinite(flat)).sum(dim=1).tolist()
    return [f"the {what} is not finite: {count} of {flat.shape[1]} values" if count else "" for count in counts]


def _write(
    run: Run, shard: int, rows: ShardRows, losses: ShardLosses | None, provenance: Mapping[str, JSON]
) -> ShardReport:
    write_shard(run, shard, rows.arrays, rows.failures, provenance, losses, rows.tallies.counts, inputs=rows.digests)
    return read_shard_report(run, shard)


def read_shard_report(run: Run, shard: int) -> ShardReport:
    """Read the report of a committed shard from the run."""
    start, stop = run.shard_range(shard)
    each = run.config.targets_per_sample
    done = run.array(STATUS)[start:stop] == DONE
    prediction = run.array("prediction")[start:stop]
    labeled = (done & (run.labels[start:stop] != UNKNOWN) & (prediction != NO_CLASS))[::each]
    correct = (prediction == run.labels[start:stop])[::each]
    return ShardReport(
        shard=shard,
        samples=(stop - start) // each,
        failed=int((~done).sum()),
        labeled=int(labeled.sum()),
        correct=int((correct & labeled).sum()),
    )
