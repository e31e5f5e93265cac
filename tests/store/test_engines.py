"""A worker that dies in the middle of a shard costs an attempt and changes no byte."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from whyset.engines import Local, Serial
from whyset.store import open_run
from whyset.store.commits import read_commit
from whyset.testing.store import WriteOrDie, example_run


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


def finish(engine, run, marks, times):
    task = WriteOrDie(marks, at=1, times=times)
    results = engine.map(task, run.pending_shards(), setup=partial(open_run, run.path))
    return {result.task: result for result in results}


def values(run):
    return [np.asarray(run.array(spec.name)).tobytes() for spec in run.arrays]


def test_a_worker_killed_inside_a_shard_changes_no_byte(tmp_path, marks):
    run, undisturbed = example_run(tmp_path / "run"), example_run(tmp_path / "reference")
    results = finish(Local(workers=2), run, marks, times=2)
    assert (results[1].value, results[1].attempts) == (3, 3)
    assert [read_commit(run.path, shard).attempt for shard in range(3)] == [1, 3, 1]
    finish(Serial(), undisturbed, marks, times=0)
    assert values(run) == values(undisturbed)
    assert run.verify() == []


def test_a_shard_that_kills_three_workers_is_told_and_can_be_done_later(tmp_path, marks):
    run = example_run(tmp_path / "run")
    results = finish(Local(workers=2), run, marks, times=3)
    assert "3 workers" in results[1].error
    assert run.pending_shards() == [1]
    assert all(problem.harmless for problem in run.verify())
    assert finish(Serial(), run, marks, times=0)[1].error is None
    assert run.verify() == []
