"""Writer: off the calling thread, one thing at a time, and never more than one thing waiting."""

import threading
import time
from functools import partial

import pytest

from whyset.runner.shard_writer import ShardWriter


def test_it_works_on_another_thread_and_hands_values_and_errors_back() -> None:
    with ShardWriter() as writer:
        assert writer.hand_over(threading.get_ident).result() != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            writer.hand_over(lambda: 1 // 0).result()
        assert writer.hand_over(lambda: "goes on").result() == "goes on"


def test_handing_over_waits_for_what_was_handed_over_before() -> None:
    done: list[int] = []
    gate = threading.Event()

    def write(number: int) -> None:
        gate.wait()
        done.append(number)

    with ShardWriter() as writer:
        writer.hand_over(partial(write, 0))
        threading.Timer(0.05, gate.set).start()
        writer.hand_over(partial(write, 1))
        assert done[:1] == [0]
    assert done == [0, 1]


def test_an_interrupted_caller_still_gets_what_was_begun_written() -> None:
    done: list[str] = []

    def slow() -> None:
        time.sleep(0.05)
        done.append("written")

    def interrupted() -> None:
        with ShardWriter() as writer:
            writer.hand_over(slow)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["written"]
