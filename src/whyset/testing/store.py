"""Small runs for tests: different sides, rows that do not fill the last shard, maps of all magnitudes."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.remote import AnyPath
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

MAP_SHAPE = (2, 5, 3)
LAYER_SHAPES = {"conv": (4, 3, 2), "blocks.1": (5, 2, 3), "tokens": (6, 4), "head": (3,)}
"""Layers that a run may record, and the shape of a row of each."""


def example_config(**changes: Any) -> RunConfig:
    """Return a configuration with known provenance; keywords change fields."""
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


def example_run(path: str | AnyPath, samples: int = 37, **changes: Any) -> Run:
    """Create a run without shards, or open an existing one; keywords change fields of its configuration.

    `layers` and `concepts` name some of LAYER_SHAPES, and `targets_per_sample` gives every sample several rows.
    """
    config = example_config(**changes)
    ids = [f"{('cat', 'dog')[sample % 2]}/{sample}.png" for sample in range(samples)]
    table = samples_table(ids, [sample % 2 for sample in range(samples)], targets_per_sample=config.targets_per_sample)
    arrays = standard_arrays(
        MAP_SHAPE,
        input_shape=MAP_SHAPE,
        dtype=config.dtype,
        layers={name: LAYER_SHAPES[name] for name in config.layers},
        concepts={name: LAYER_SHAPES[name][0] for name in config.concepts},
    )
    return create_run(path, config, table, arrays)


def example_rows(run: Run, shard: int) -> dict[str, npt.NDArray[Any]]:
    """Return rows that depend only on the shard."""
    start, stop = run.shard_range(shard)
    random = np.random.default_rng(shard)
    inputs = run.entries(run.array("input").spec, shard)
    rows = {
        "attribution/input": _maps(random, (stop - start, *MAP_SHAPE)),
        "input": random.integers(0, 256, (inputs[1] - inputs[0], *MAP_SHAPE), np.uint8),
        "target": np.arange(start, stop) % 2,
        "prediction": random.integers(0, 2, stop - start),
        "confidence": random.random(stop - start, np.float32),
    }
    of_layers = [spec for spec in run.arrays if spec.shape and spec.name not in rows]
    return rows | {spec.name: _maps(random, (stop - start, *spec.shape)) for spec in of_layers}


def _maps(random: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Draw maps whose magnitudes differ by up to fifteen decades between rows."""
    magnitudes = 10.0 ** random.uniform(-12, 3, (shape[0], *[1] * (len(shape) - 1)))
    return (random.standard_normal(shape) * magnitudes).astype(np.float32)


def write_pending(run: Run) -> Run:
    """Write all shards that are not committed; sample 5 fails."""
    for shard in run.pending_shards():
        failures = {5: "unreadable"} if shard == 5 // run.config.shard_rows else {}
        write_shard(run, shard, example_rows(run, shard), failures, inputs=example_digests(run, shard))
    return run


def example_digests(run: Run, shard: int) -> list[str]:
    """Return distinct hashes that do not occur for real inputs."""
    start, stop = (row // run.config.targets_per_sample for row in run.shard_range(shard))
    return [f"{sample + 1:016x}" for sample in range(start, stop)]


@dataclass(frozen=True)
class WriteOrDie:
    """A task that writes one shard; its process is killed in the middle of shard `at`, `times` times."""

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
