"""Small runs with chosen relevance, made through the store."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from whyset.store import Run, RunConfig, create_run, samples_table, standard_arrays, write_shard

SHARD_ROWS = 16


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Give a function that writes a run; samples in `failures` failed, shards in `pending` are not committed."""

    def make(
        relevance: np.ndarray,
        labels: list[int | None],
        predictions: np.ndarray,
        *,
        name: str = "run",
        failures: Mapping[int, str] | None = None,
        pending: tuple[int, ...] = (),
    ) -> Run:
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
        run = create_run(tmp_path / name, config, samples_table(ids, labels), standard_arrays(relevance.shape[1:]))
        rows = {
            "attribution/input": relevance.astype(np.float32),
            "target": predictions,
            "prediction": predictions,
            "confidence": np.linspace(0.5, 1, len(relevance)).astype(np.float32),
        }
        for shard in range(run.shard_count):
            if shard not in pending:
                commit(run, shard, rows, failures or {})
        return run

    return make


def commit(run: Run, shard: int, rows: Mapping[str, np.ndarray], failures: Mapping[int, str]) -> None:
    start, stop = run.shard_range(shard)
    own = {index: error for index, error in failures.items() if start <= index < stop}
    write_shard(run, shard, {name: values[start:stop] for name, values in rows.items()}, own)


@pytest.fixture
def planted() -> tuple[np.ndarray, np.ndarray]:
    """Relevance (96, 2, 10, 14) of three classes in turn, and which samples of class 2 look at a mark."""
    rng = np.random.default_rng(0)
    labels = np.arange(96) % 3
    marked = (labels == 2) & (np.arange(96) % 2 == 0)
    relevance = rng.normal(size=(96, 2, 10, 14))
    relevance[marked, :, :3, -3:] += 12
    return relevance, marked
