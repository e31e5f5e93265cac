"""A finished run: three shards, three classes with two planted strategies each, an analysis, a selection, names."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from whyset.analysis import Spray, analyze
from whyset.analysis.processors import KMeans
from whyset.store import Check, Run
from whyset.store.checks import write_checks
from whyset.store.cluster_names import NamesFile
from whyset.store.create import create_run
from whyset.store.default_arrays import RELEVANCE_COLUMNS, standard_arrays
from whyset.store.layout import ARRIVED, LARGEST, SELECTIONS
from whyset.store.samples import samples_table
from whyset.store.selections import Selection, Selections
from whyset.store.shards import write_shard
from whyset.testing.store import example_config

CLASSES = ("cat", "dog", "horse")
ROWS, SHARD_ROWS, SHAPE = 72, 32, (3, 6, 5)
FAILED = 5
SPRAY = Spray(n_neighbors=4, eigenvectors=6, clusterings=(KMeans(),), surrogates=19, resamplings=4)


def make_finished_run(path: Path) -> Run:
    """Make a run with every kind of file that a run can have; row 5 failed."""
    table = samples_table([f"{CLASSES[row % 3]}/{row}.png" for row in range(ROWS)], [row % 3 for row in range(ROWS)])
    config = example_config(class_names=CLASSES, shard_rows=SHARD_ROWS)
    arrays = (*standard_arrays(SHAPE, input_shape=SHAPE), *RELEVANCE_COLUMNS)
    run = create_run(path, config, table, arrays)
    values = _values()
    for shard in range(run.shard_count):
        start, stop = run.shard_range(shard)
        failures = {FAILED: "unreadable"} if start <= FAILED < stop else {}
        write_shard(run, shard, {name: rows[start:stop] for name, rows in values.items()}, failures)
    write_checks(run.path, [Check("labels", "note", 3, ROWS, f"3 of {ROWS} labels differ")])
    analysis = analyze(run, SPRAY)
    Selections(run.path / SELECTIONS, ROWS).add(Selection(name="corner mark", rows=(3, 9, 12), tags=("mark",)))
    NamesFile(run.path / SELECTIONS, analysis.name, analysis.category("dog")).change({"kmeans": {"0": "sky"}}, 0)
    return run


def _values() -> dict[str, npt.NDArray[np.generic]]:
    random, rows = np.random.default_rng(0), np.arange(ROWS)
    maps = random.normal(0, 0.2, (ROWS, *SHAPE)).astype(np.float32)
    second = rows % 2 == 1
    maps[~second, :, :2, :2] += 1
    maps[second, :, 4:, 3:] += 1
    return {
        "attribution/input": maps,
        "input": random.integers(0, 256, maps.shape, np.uint8),
        "target": rows % 3,
        "prediction": np.where(rows % 7 == 6, (rows + 1) % 3, rows % 3),
        "confidence": random.uniform(0.4, 1, ROWS).astype(np.float32),
        ARRIVED: random.uniform(0.5, 1, ROWS).astype(np.float32),
        LARGEST: random.uniform(0.1, 0.3, ROWS).astype(np.float32),
    }
