"""A real cluster of two processes: tasks in flight, Ctrl-C, a scheduler that goes away, who may be told to connect."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from whyset.engines import Dask, Engine, Local
from whyset.errors import EngineLostError, InputError, MissingExtraError, WhysetError
from whyset.store import open_run
from whyset.testing.engines import ProcessEngineContract, require_serial, write_shards
from whyset.testing.store import WriteOrDie, example_run
from whyset.testing.tasks import add_task, ignore, return_hundred, until

CLUSTER = """
import sys, time
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        time.sleep(600)
"""

MAP = """
import sys
from pathlib import Path
from whyset.engines import Dask
from whyset.testing.tasks import Sleep

list(Dask(sys.argv[1]).map(Sleep(Path(sys.argv[2]), 2.0), range(1000)))
"""


class TestDask(ProcessEngineContract):
    @pytest.fixture(autouse=True)
    def connect(self, scheduler: str) -> None:
        self.scheduler = scheduler

    def engine(self) -> Engine:
        return Dask(self.scheduler)


@pytest.fixture
def mortal_scheduler(tmp_path: Path) -> Iterator["tuple[str, subprocess.Popen[str]]"]:
    """The address of a cluster of its own, in a process that a test may kill."""
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip(), process
    process.kill()
    process.communicate()


class Numbers(Sequence[int]):
    """A million tasks that remember which of them were asked for."""

    def __init__(self) -> None:
        self.asked: set[int] = set()

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> int:  # type: ignore[override]  # no slices here
        self.asked.add(index)
        return index


def held_by(scheduler: str) -> dict[str, object]:
    """Every task that the scheduler knows."""
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:
        held: dict[str, object] = client.run_on_scheduler(lambda dask_scheduler: dict.fromkeys(dask_scheduler.tasks))
        return held


def test_a_million_tasks_are_not_submitted_at_once_and_nothing_is_left_behind(scheduler: str) -> None:
    tasks = Numbers()
    results = Dask(scheduler).map(ignore, tasks)
    assert len(list(itertools.islice(results, 5))) == 5
    assert len(tasks.asked) <= 5 + 2 * 2
    results.close()
    until(lambda: held_by(scheduler) == {})


def test_a_client_is_used_and_stays_open(scheduler: str) -> None:
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:
        (result,) = Dask(client).map(add_task, [1], setup=return_hundred)
        assert result.value == 101
        assert client.status == "running"


def test_ctrl_c_cancels_what_has_not_begun(scheduler: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAP, scheduler, str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until(lambda: len(list(tmp_path.iterdir())) == 2)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert errors.count("KeyboardInterrupt") == 1
    until(lambda: held_by(scheduler) == {})
    assert [result.value for result in Dask(scheduler).map(ignore, [7])] == [7]


def test_a_scheduler_that_goes_away_is_one_error_and_another_engine_goes_on(
    mortal_scheduler: "tuple[str, subprocess.Popen[str]]", tmp_path: Path
) -> None:
    address, cluster = mortal_scheduler
    run = example_run(tmp_path / "run", samples=150)
    (tmp_path / "marks").mkdir()
    task = WriteOrDie(tmp_path / "marks", at=-1, times=0)
    results = Dask(address).map(task, run.pending_shards(), setup=partial(open_run, run.path))
    done = {next(results).task, next(results).task}
    cluster.kill()
    with pytest.raises(EngineLostError, match="with this or any other engine"):
        done.update(result.task for result in results)
    assert done <= set(range(10)) - set(run.pending_shards())
    write_shards(Local(workers=2), run, tmp_path / "marks", deaths=0)
    require_serial(run, tmp_path / "reference", count=150)


def test_an_address_where_nobody_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.engines.dask._PATIENCE", 0.5)
    with pytest.raises(WhysetError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(Dask("tcp://127.0.0.1:9").map(ignore, [1]))


def test_what_is_missing_is_told_when_the_engine_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with pytest.raises(InputError, match="--scheduler tcp://HOST:8786"):
        Dask()
    monkeypatch.setattr("whyset.engines.dask.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyset\[dask\]"'):
        Dask("tcp://10.0.0.7:8786")
