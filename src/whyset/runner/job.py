"""What a worker needs to explain shards, and how it gets ready."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch

from whyset.runner.devices import on_device, placement
from whyset.runner.models import ModelSource
from whyset.runner.reading import Reading, threads_for
from whyset.runner.sources import Source
from whyset.runner.wanted import Wanted
from whyset.runner.writing import Writer
from whyset.store import Run


@dataclass(frozen=True, eq=False)
class Job:
    """A run's work as it travels to workers; a model given by name is loaded where it is needed."""

    run: Run
    model: ModelSource | torch.nn.Module
    source: Source
    wanted: Wanted
    shape: tuple[int, ...]
    batch_size: int
    device: str | None
    seed: int


@dataclass(frozen=True, eq=False)
class Worker:
    """A job with its model, reader and writer at hand; `advance` hears of every batch."""

    job: Job
    model: torch.nn.Module
    reading: Reading
    writer: Writer
    advance: Callable[[int], None] | None = None


def set_up(job: Job, writer: Writer | None = None, advance: Callable[[int], None] | None = None) -> Worker:
    """Make a worker: load the model if it comes by name, and put it where it computes, in evaluation mode."""
    model = job.model.load().module if isinstance(job.model, ModelSource) else job.model
    model = on_device(model, job.device).eval()
    threads = threads_for(job.source, placement(model)[0], os.cpu_count() or 1)
    reading = Reading(job.source, job.shape, job.run.inputs is not None, threads, len(job.run.config.class_names))
    return Worker(job, model, reading, writer or Writer(), advance)
