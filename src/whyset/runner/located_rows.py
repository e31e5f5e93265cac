"""What rows that a pass of the model finds have in common: the pass, columns of labels, and columns of a kept run."""

import os
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import torch
from torch import Tensor

from whyset.runner.activity import Activity
from whyset.runner.devices import placement
from whyset.runner.output_kinds import OutputKind
from whyset.runner.prefetch import Batch, Prefetcher, threads_for
from whyset.runner.rows import make_columns, take_columns
from whyset.runner.sources import Source
from whyset.runner.sources.given_labels import list_labels
from whyset.store import open_run
from whyset.store.layout import is_run
from whyset.store.remote import AnyPath

_BATCH = 8
"""Samples of a forward pass: what is found must not depend on the batch size of the run."""


def read_all(
    model: torch.nn.Module, source: Source, shape: tuple[int, ...], activity: Activity | None
) -> Iterator[tuple[Batch, Tensor]]:
    """Yield all samples, inputs of `shape`, in batches, with the inputs of the readable ones on the model's device."""
    device, dtype = placement(model)
    threads = threads_for(source, device, os.cpu_count() or 1)
    reading = Prefetcher(source, shape, False, threads, activity or Activity())
    for batch in reading.batches(0, len(source), _BATCH):
        yield batch, batch.place(source.preprocessing, device, dtype)
        reading.activity.step()


def label_columns(
    source: Source, samples: Sequence[int], kind: OutputKind, names: Sequence[str]
) -> Mapping[str, Sequence[object]]:
    """Return the labels of whole samples as columns of the rows, of which each explains one of the `samples`."""
    return take_columns(make_columns(list_labels(source), kind, names, source.class_names or names), samples)


def read_columns(kept: AnyPath | None, columns: Sequence[str]) -> pa.Table | None:
    """Return these columns of a run that is continued or repeated; None if there is no run, or it lacks one."""
    if kept is None or not is_run(kept):
        return None
    run = open_run(kept)
    return run.sample_table(list(columns)) if set(columns) <= set(run.sample_columns) else None
