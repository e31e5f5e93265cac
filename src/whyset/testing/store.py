"""Small runs for tests: sides that differ, rows that are no multiple of a shard, maps of all magnitudes."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from whyset.store import Run, RunConfig, create_run, samples_table, standard_arrays, write_shard

MAP_SHAPE = (2, 5, 3)


def example_config(**changes: Any) -> RunConfig:
    """A configuration with known provenance; keywords change fields."""
    values: dict[str, Any] = {
        "model": "model.py:net",
        "weights_hash": "sha256:1",
        "composite": {"name": "EpsilonPlus", "fields": {"epsilon": 1e-6}},
        "target": "label",
        "preprocessing": {"size": [5, 3], "mean": [0.5]},
        "dataset_fingerprint": "sha256:2",
        "class_names": ("cat", "dog"),
        "shard_rows": 16,
    }
    return RunConfig(**values | changes)


def example_run(path: Path, rows: int = 37, **changes: Any) -> Run:
    """Create a run without any shard, or open it to be continued."""
    ids = [f"{('cat', 'dog')[row % 2]}/{row}.png" for row in range(rows)]
    samples = samples_table(ids, [row % 2 for row in range(rows)])
    return create_run(path, example_config(**changes), samples, standard_arrays(MAP_SHAPE, input_shape=MAP_SHAPE))


def example_rows(run: Run, shard: int) -> dict[str, npt.NDArray[Any]]:
    """Rows that depend on nothing but the shard."""
    start, stop = run.shard_range(shard)
    shape = (stop - start, *run.relevance.shape[1:])
    random = np.random.default_rng(shard)
    magnitudes = 10.0 ** random.uniform(-12, 3, (stop - start, 1, 1, 1))
    return {
        "attribution/input": (random.standard_normal(shape) * magnitudes).astype(np.float32),
        "input": random.integers(0, 256, shape, np.uint8),
        "target": np.arange(start, stop) % 2,
        "prediction": random.integers(0, 2, stop - start),
        "confidence": random.random(stop - start, np.float32),
    }


def write_pending(run: Run) -> Run:
    """Write all shards that are not committed; sample 5 fails."""
    for shard in run.pending_shards():
        write_shard(
            run, shard, example_rows(run, shard), {5: "unreadable"} if shard == 5 // run.config.shard_rows else {}
        )
    return run


@dataclass(frozen=True)
class WriteOrDie:
    """A task for engines: write one shard. Its process is killed in the middle of shard `at`, `times` times."""

    marks: Path
    at: int
    times: int

    def __call__(self, run: Run | None, shard: int) -> int:
        if run is None:
            raise TypeError("the setup must open a run")
        deaths = len(list(self.marks.iterdir()))
        if shard == self.at and deaths < self.times:
            (self.marks / str(deaths)).touch()
            with patch("whyset.store.shards.sync_file", _kill):
                write_shard(run, shard, example_rows(run, shard))
        return write_shard(run, shard, example_rows(run, shard)).attempt


def _kill(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
