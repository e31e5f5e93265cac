"""Contract tests for every engine, and for engines with worker processes."""

import multiprocessing
import threading
from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from whyset.engines import Engine, Serial, TaskResult
from whyset.errors import InputError
from whyset.store import Run, open_run
from whyset.store.commits import read_commit
from whyset.testing.store import WriteOrDie, example_run
from whyset.testing.tasks import (
    CountedSetup,
    KillOnce,
    KillOther,
    Meeting,
    add_task,
    fail_setup,
    hold,
    ignore,
    kill_at_two,
    kill_self,
    make_lambda,
    refuse_three,
    return_hundred,
    state_is_none,
)


class EngineContract(ABC):
    """Contract of an engine: inherit and define `engine`; an engine with ranks must be the only rank.

    Examples
    --------
    >>> class TestMine(EngineContract):      # doctest: +SKIP
    ...     def engine(self): return Mine()
    """

    @abstractmethod
    def engine(self) -> Engine:
        """Return the engine under test, with two workers if it has workers.

        Returns
        -------
        Engine
            The engine.
        """

    def test_every_task_gets_exactly_one_result(self) -> None:
        results = list(self.engine().map(add_task, list(range(7)), setup=return_hundred))
        assert sorted((result.task, result.value) for result in results) == [(n, 100 + n) for n in range(7)]
        assert all(result.error is None and result.attempts == 1 for result in results)

    def test_no_tasks_need_no_setup(self) -> None:
        assert list(self.engine().map(add_task, [], setup=fail_setup)) == []

    def test_without_setup_the_state_is_none(self) -> None:
        assert [result.value for result in self.engine().map(state_is_none, [0])] == [True]

    def test_setup_is_done_once_per_worker(self, tmp_path: Path) -> None:
        list(self.engine().map(ignore, list(range(12)), setup=CountedSetup(tmp_path)))
        made = [path.name.partition("-")[0] for path in tmp_path.iterdir()]
        assert 1 <= len(made) == len(set(made)) <= 2

    def test_an_exception_is_the_error_of_its_task_alone(self) -> None:
        results = {result.task: result for result in self.engine().map(refuse_three, list(range(6)))}
        assert results[3].error == "ValueError: three is refused"
        assert (results[3].value, results[3].attempts) == (None, 1)
        assert [result.value for task, result in sorted(results.items()) if task != 3] == [0, 1, 2, 4, 5]

    def test_a_failing_setup_ends_the_map_with_its_own_error(self) -> None:
        with pytest.raises(InputError, match="weights not found"):
            list(self.engine().map(add_task, [1, 2], setup=fail_setup))

    def test_a_map_that_is_left_early_leaves_no_process(self) -> None:
        before = set(multiprocessing.active_children())
        results = self.engine().map(add_task, list(range(50)), setup=return_hundred)
        next(results)
        results.close()
        assert set(multiprocessing.active_children()) <= before

    def test_fewer_attempts_than_one_are_refused(self) -> None:
        with pytest.raises(InputError, match="retries is 0"):
            self.engine().map(ignore, [1], retries=0)

    def test_a_run_is_the_serial_run_byte_for_byte(self, tmp_path: Path) -> None:
        run = example_run(tmp_path / "run")
        results = write_shards(self.engine(), run, tmp_path / "marks", deaths=0)
        assert {shard: result.value for shard, result in results.items()} == {0: 1, 1: 1, 2: 1}
        require_serial(run, tmp_path / "reference")


class ProcessEngineContract(EngineContract):
    """Contract of an engine whose workers are processes that can die: inherit and define `engine`.

    Examples
    --------
    >>> class TestMine(ProcessEngineContract):      # doctest: +SKIP
    ...     def engine(self): return Mine(workers=2)
    """

    def test_a_killed_worker_is_replaced_and_its_task_done_again(self, tmp_path: Path) -> None:
        results = {result.task: result for result in self.engine().map(KillOnce(tmp_path, at=2), list(range(6)))}
        assert {task: result.value for task, result in results.items()} == {n: n for n in range(6)}
        assert results[2].attempts == 2

    def test_a_task_that_ends_its_workers_is_given_up_and_the_rest_is_done(self) -> None:
        results = {result.task: result for result in self.engine().map(kill_at_two, list(range(6)), retries=3)}
        assert results[2].attempts == 3
        assert "3 workers" in (results[2].error or "")
        assert [task for task, result in sorted(results.items()) if result.error is None] == [0, 1, 3, 4, 5]

    def test_two_workers_work_at_once_and_know_their_numbers(self, tmp_path: Path) -> None:
        assert {result.value for result in self.engine().map(Meeting(tmp_path), [0, 1])} == {0, 1}

    def test_the_death_of_another_worker_changes_no_result(self, tmp_path: Path) -> None:
        results = self.engine().map(KillOther(tmp_path), [0, 1, 2, 3])
        assert sorted((result.task, result.value) for result in results) == [(n, n) for n in range(4)]

    def test_workers_that_die_in_setup_end_the_map(self) -> None:
        with pytest.raises(Exception, match="set up"):
            list(self.engine().map(add_task, [1, 2], setup=kill_self))

    def test_what_cannot_be_sent_is_refused(self) -> None:
        with pytest.raises(InputError, match="cannot be sent to another process"):
            list(self.engine().map(partial(hold, threading.Lock()), [1]))

    def test_a_value_that_cannot_be_sent_is_an_error_of_its_task(self) -> None:
        (result,) = self.engine().map(make_lambda, [1])
        assert result.error is not None

    def test_a_worker_killed_inside_a_shard_changes_no_byte(self, tmp_path: Path) -> None:
        run = example_run(tmp_path / "run")
        results = write_shards(self.engine(), run, tmp_path / "marks", deaths=2)
        assert (results[1].value, results[1].attempts) == (3, 3)
        assert [read_commit(run.path, shard).attempt for shard in range(3)] == [1, 3, 1]
        require_serial(run, tmp_path / "reference")

    def test_a_shard_that_kills_three_workers_is_told_and_can_be_done_later(self, tmp_path: Path) -> None:
        run = example_run(tmp_path / "run")
        results = write_shards(self.engine(), run, tmp_path / "marks", deaths=3)
        assert "3 workers" in (results[1].error or "")
        assert run.pending_shards() == [1]
        assert all(problem.harmless for problem in run.verify())
        assert write_shards(Serial(), run, tmp_path / "marks", deaths=3)[1].error is None
        require_serial(run, tmp_path / "reference")


def write_shards(engine: Engine, run: Run, marks: Path, deaths: int) -> dict[int, TaskResult[int, int]]:
    """Write the pending shards with seeded rows; the first `deaths` writers of shard 1 are killed inside it."""
    marks.mkdir(exist_ok=True)
    task = WriteOrDie(marks, at=1, times=deaths)
    results = list(engine.map(task, run.pending_shards(), setup=partial(open_run, run.path)))
    assert len({result.task for result in results}) == len(results), "a task had more than one result"
    return {result.task: result for result in results}


def require_serial(run: Run, reference: Path, count: int = 37) -> None:
    """Compare every stored byte with an undisturbed serial run."""
    undisturbed = example_run(reference, samples=count)
    write_shards(Serial(), undisturbed, reference / "marks", deaths=0)
    assert read_stored_bytes(run) == read_stored_bytes(undisturbed)
    assert run.verify() == []


def read_stored_bytes(run: Run) -> dict[str, bytes]:
    return {spec.name: np.asarray(run.array(spec.name)).tobytes() for spec in run.arrays}
