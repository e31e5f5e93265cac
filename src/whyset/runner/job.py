"""The job of a worker that explains shards, and its setup."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from whyset.errors import InputError, JobStoppedError
from whyset.runner.activity import LOOK_SECONDS, Activity
from whyset.runner.devices import on_device, placement
from whyset.runner.models import ModelSource, weights_hash
from whyset.runner.output_spec import OutputSpec
from whyset.runner.prefetch import Prefetcher, threads_for
from whyset.runner.shard_writer import ShardWriter
from whyset.runner.sources import Source
from whyset.runner.sources.file_state import FileState, current_files, opened_files, require_unchanged
from whyset.runner.sources.source import attempt
from whyset.runner.structured_model import with_structure
from whyset.runner.versions import provenance
from whyset.store import Run, RunConfig
from whyset.store.jsonfile import JSON


@dataclass(frozen=True, eq=False)
class Job:
    """The work of a run as it is sent to workers; a model given by name is loaded in the worker."""

    run: Run
    model: ModelSource | torch.nn.Module
    source: Source
    wanted: OutputSpec
    shape: tuple[int, ...]
    batch_size: int
    device: str | None
    seed: int


@dataclass(frozen=True, eq=False)
class ShardWorker:
    """A job with its loaded model, reader and writer."""

    job: Job
    model: torch.nn.Module
    reading: Prefetcher
    writer: ShardWriter
    files: tuple[FileState, ...] = ()
    """The files of the source as they were when this worker got ready."""

    @property
    def activity(self) -> Activity:
        return self.reading.activity

    @cached_property
    def provenance(self) -> Mapping[str, JSON]:
        """What commits state of this worker; looking up the versions of packages takes as long as a small shard."""
        return provenance(placement(self.model)[0])

    def report_to(self, report: Callable[[str], None]) -> None:
        """Report every finished batch, and samples whose reading takes long, to an engine that asks for it."""
        self.activity.report = report

        def watch() -> None:
            while True:
                time.sleep(LOOK_SECONDS)
                found = self.activity.longest_read()
                if found is not None and found[1] >= LOOK_SECONDS:
                    report(f"{name_sample(self.job.source, found[0])}")

        threading.Thread(target=watch, name="whyset-watcher", daemon=True).start()


def name_sample(source: Source, index: int) -> str:
    """Name a sample in messages."""
    return f"sample {index} ({source.ids[index]})"


def set_up(job: Job, writer: ShardWriter | None = None, activity: Activity | None = None) -> ShardWorker:
    """Make a worker: load the model if it is given by name, and put it on its device in evaluation mode.

    Raises JobStoppedError if the model or the data cannot be loaded again, or is not the one that run.json records.
    """
    files = confirm_files(job)
    model = load_model(job.model, job.run.config) if isinstance(job.model, ModelSource) else job.model
    model = with_structure(on_device(model, job.device).eval(), job.source)
    threads = threads_for(job.source, placement(model)[0], os.cpu_count() or 1)
    outputs = job.wanted.targets.outputs
    reading = Prefetcher(job.source, job.shape, job.run.inputs is not None, threads, activity or Activity(), outputs)
    return ShardWorker(job, model, reading, writer or ShardWriter(), files)


def confirm_files(job: Job) -> tuple[FileState, ...]:
    """The files of the source as they are now, where a worker opens them again.

    A copy on another machine has another inode and perhaps another time, so what differs is compared by its content.
    JobStoppedError: the content is not that of the run.
    """
    opened = opened_files(job.source)
    now = current_files(opened)
    if now == opened or attempt(job.source.fingerprint)[0] == job.run.config.dataset_fingerprint:
        return now
    require_unchanged(opened, "so a worker explained nothing")
    return opened


def load_model(source: ModelSource, config: RunConfig) -> torch.nn.Module:
    """Load the model of a run again, whose files may have been overwritten since the run was created.

    Raises JobStoppedError if it cannot be loaded, or if its weights do not have the hash of the run.
    """
    try:
        model = source.load().module
    except InputError as error:
        raise JobStoppedError(
            f"a worker cannot load the model as it was when the run was planned: {error}; restore its files on the "
            "worker's machine and run the same command again, or explain the new model into another folder"
        ) from error
    found = weights_hash(model)
    if found == config.weights_hash:
        return model
    name = str(source.weights or source.spec)
    random = "" if source.weights else "; random weights need a file (--weights) or the engine 'serial'"
    raise JobStoppedError(
        f"the weights that a worker loaded from {name} are not those of the run and were not used: expected SHA-256 "
        f"{config.weights_hash}, got {found}: restore them and run the same command again, or explain the new weights "
        f"into another folder{random}"
    )
