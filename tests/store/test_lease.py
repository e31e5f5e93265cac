import os
import subprocess
import sys
import threading
import time

import pytest

from whyset.store import Lease, LeaseHeldError, LeaseLostError, run_lease
from whyset.store.jsonfile import replace_json
from whyset.store.lease import Holder, host_name, read_holder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lease.json"


def held_by(path, **changes):
    """A lease that someone else left."""
    holder = {"token": "x", "host": host_name(), "pid": os.getpid(), "attempt": 1, "heartbeat": time.time()}
    replace_json(path, Holder(**holder | changes).to_json())


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_job_is_refused_while_the_first_lives(run):
    message = f"the run {run.path} is held by process {os.getpid()} on {host_name()}"
    with run_lease(run.path), pytest.raises(LeaseHeldError, match=message), run_lease(run.path):
        pass


def test_ranks_work_side_by_side(run):
    with run_lease(run.path, rank=0), run_lease(run.path, rank=1):
        assert len(list((run.path / "leases").iterdir())) == 2
    assert not list((run.path / "leases").iterdir())


def test_a_lease_is_given_back_after_an_exception_too(path):
    with pytest.raises(ZeroDivisionError), Lease(path, "it"):
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []


def test_a_dead_process_of_this_host_is_followed_at_once(path):
    held_by(path, pid=dead_pid())
    with Lease(path, "it") as lease:
        assert lease.attempt == 2


def test_another_host_is_believed_until_its_lease_expires(path):
    held_by(path, host="elsewhere", pid=1)
    with pytest.raises(LeaseHeldError, match="process 1 on elsewhere"), Lease(path, "it"):
        pass
    held_by(path, host="elsewhere", pid=1, heartbeat=time.time() - 121)
    with Lease(path, "it") as lease:
        assert lease.attempt == 2


def test_a_process_that_has_not_been_heard_of_is_followed_though_its_number_is_in_use(path):
    held_by(path, heartbeat=time.time() - 121)
    with Lease(path, "it"):
        pass


def test_who_was_replaced_learns_it_and_leaves_the_heir_alone(path):
    with Lease(path, "it") as lease:
        held_by(path, token="heir")
        with pytest.raises(LeaseLostError, match="it was taken over by process"):
            lease.check()
    assert read_holder(path).token == "heir"


def test_the_heartbeat_is_renewed(path):
    with Lease(path, "it", beat=0.01):
        first = read_holder(path).heartbeat
        while read_holder(path).heartbeat == first:
            time.sleep(0.01)


def test_a_patient_job_waits_for_its_turn(path):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with Lease(path, "it"):
            entered.set()
            leave.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait()
    threading.Timer(0.3, leave.set).start()
    with Lease(path, "it", patience=30) as lease:
        assert lease.attempt == 1
    holder.join()


def test_of_many_heirs_one_inherits_at_a_time(path):
    held_by(path, pid=dead_pid())
    inside, most = [], []

    def inherit():
        with Lease(path, "it", patience=30):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    heirs = [threading.Thread(target=inherit) for _ in range(6)]
    for heir in heirs:
        heir.start()
    for heir in heirs:
        heir.join()
    assert most == [1] * 6
    assert list(path.parent.iterdir()) == []
