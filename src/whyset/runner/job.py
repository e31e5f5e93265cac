"""What a worker needs to explain shards, and how it gets ready."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from whyset.attribution.composites import Composite
from whyset.runner.devices import on_device
from whyset.runner.models import ModelSource
from whyset.runner.sources import Source
from whyset.runner.targets import Target
from whyset.store import Run


@dataclass(frozen=True, eq=False)
class Job:
    """A run's work as it travels to workers; a model given by name is loaded where it is needed."""

    run: Run
    model: ModelSource | torch.nn.Module
    source: Source
    composite: Composite | None
    target: Target
    batch_size: int
    device: str | None
    seed: int


@dataclass(frozen=True, eq=False)
class Worker:
    """A job with its model at hand; `advance` hears of every batch."""

    job: Job
    model: torch.nn.Module
    advance: Callable[[int], None] | None = None


def set_up(job: Job, advance: Callable[[int], None] | None = None) -> Worker:
    """Make a worker: load the model if it comes by name, and put it where it computes."""
    model = job.model.load().module if isinstance(job.model, ModelSource) else job.model
    return Worker(job, on_device(model, job.device), advance)
