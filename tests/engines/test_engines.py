import os
import signal
import threading

import pytest

from whyset.engines import (
    ENGINES,
    Dask,
    Engine,
    Local,
    Progress,
    Serial,
    Share,
    Silent,
    Static,
    get_engine,
    worker_number,
)
from whyset.engines.processes import without_interrupts
from whyset.errors import InputError


def test_the_table_makes_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://10.0.0.7:8786")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert all(isinstance(make(), Engine) for make in ENGINES.values())
    assert get_engine("serial") == Serial()
    assert get_engine("dask") == Dask("tcp://10.0.0.7:8786")
    assert get_engine("static") == Static(rank=1, world=2)


def test_an_engine_stands_for_itself() -> None:
    mine = Local(workers=3)
    assert get_engine(mine) is mine


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'dusk'.*serial, local"):
        get_engine("dusk")


def test_no_workers_are_refused() -> None:
    with pytest.raises(InputError, match="workers is 0"):
        Local(workers=0)
    with pytest.raises(InputError, match="threads is 0"):
        Local(threads=0)


def test_outside_of_workers_the_number_is_that_of_the_rank_on_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_number() == 0
    monkeypatch.setenv("SLURM_LOCALID", "2")
    assert worker_number() == 2
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert worker_number() == 3


def test_all_engines_but_static_take_care_of_everything() -> None:
    assert Serial().share == Local().share == Share(rank=0, world=1)
    assert [Serial().in_process, Local().in_process, Static(0, 1).in_process] == [True, False, True]


def test_silent_is_a_progress() -> None:
    assert isinstance(Silent(), Progress)


def test_ctrl_c_that_another_thread_takes_waits_until_a_process_has_started() -> None:
    """Python runs its handler in the main thread, whose block of the signal another thread does not have."""
    waiting, done = threading.Event(), []
    other = threading.Thread(target=waiting.wait)
    other.start()
    arrived, sent = os.pipe()
    os.set_blocking(sent, False)
    before = signal.set_wakeup_fd(sent)

    def start() -> None:
        with without_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            os.read(arrived, 1)  # another thread has taken it
            done.append("start")
        done.append("more")

    try:
        with pytest.raises(KeyboardInterrupt):
            start()
        assert done == ["start"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.set_wakeup_fd(before)
        waiting.set()
        other.join()
        os.close(arrived)
        os.close(sent)
