"""Small runs with chosen relevance, made through the store."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

SHARD_ROWS = 16


def written_run(
    path: Path,
    relevance: np.ndarray,
    labels: Sequence[int | None],
    predictions: np.ndarray,
    *,
    failures: Mapping[int, str] | None = None,
    pending: Sequence[int] = (),
) -> Run:
    """Write a run; samples in `failures` failed, shards in `pending` are not committed."""
    config = RunConfig(
        model="chosen.py:network",
        weights_hash="sha256:0",
        composite=None,
        target="label",
        preprocessing={},
        dataset_fingerprint="sha256:1",
        class_names=("cat", "dog", "horse"),
        shard_rows=SHARD_ROWS,
    )
    ids = [f"{number}.png" for number in range(len(relevance))]
    run = create_run(path, config, samples_table(ids, labels), standard_arrays(relevance.shape[1:]))
    rows = rows_of(relevance, predictions)
    for shard in range(run.shard_count):
        if shard not in pending:
            commit(run, shard, rows, failures or {})
    return run


def rows_of(relevance: np.ndarray, predictions: np.ndarray) -> dict[str, np.ndarray]:
    """What the run stores of all samples."""
    return {
        "attribution/input": relevance.astype(np.float32),
        "target": predictions,
        "prediction": predictions,
        "confidence": np.linspace(0.5, 1, len(relevance)).astype(np.float32),
    }


def commit(run: Run, shard: int, rows: Mapping[str, np.ndarray], failures: Mapping[int, str]) -> None:
    """Write one shard out of the rows of all samples."""
    start, stop = run.shard_range(shard)
    own = {index: error for index, error in failures.items() if start <= index < stop}
    write_shard(run, shard, {name: values[start:stop] for name, values in rows.items()}, own)


def planted_relevance() -> tuple[np.ndarray, np.ndarray]:
    """Relevance (96, 2, 10, 14) of three classes in turn, and which samples of class 2 look at a mark."""
    rng = np.random.default_rng(0)
    index = np.arange(96)
    marked = (index % 3 == 2) & (index % 2 == 0)
    relevance = rng.normal(size=(96, 2, 10, 14))
    relevance[marked, :, :3, -3:] += 12
    return relevance, marked
