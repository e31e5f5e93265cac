import os
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import replace

import pytest

from whyset.errors import BrokenRunError
from whyset.store import LeaseHeldError
from whyset.store.jsonfile import replace_json
from whyset.store.lease import Lease, LeaseLostError, new_holder, read_holder
from whyset.store.rank_lease import RankLease, run_lease


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lease.json"


def held_by(path, **changes):
    """A lease that someone else left."""
    replace_json(path, replace(new_holder(), **{"token": "x"} | changes).to_json())


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_job_is_refused_while_the_first_lives(run):
    message = f"the run {run.path} is held by process {os.getpid()} on {socket.gethostname()}"
    with run_lease(run.path), pytest.raises(LeaseHeldError, match=message), run_lease(run.path):
        pass


def test_ranks_of_one_job_work_side_by_side(run):
    with run_lease(run.path, rank=0, job="7"), run_lease(run.path, rank=1, job="7"):
        assert len(list((run.path / "leases").iterdir())) == 2
    assert not list((run.path / "leases").iterdir())


def test_another_job_is_refused_whatever_its_rank_and_leaves_nothing(run):
    with run_lease(run.path, rank=0, job="7"):
        with pytest.raises(LeaseHeldError, match=r"job 7, .*share the work with the engine 'static'"):
            run_lease(run.path, rank=1, job="8").__enter__()
        with pytest.raises(LeaseHeldError, match="job 7, last heartbeat"):
            run_lease(run.path, rank=0, job="8").__enter__()
        assert [path.name for path in (run.path / "leases").iterdir()] == ["rank-00000.json"]


def test_the_same_rank_of_the_same_job_is_there_once(run):
    with run_lease(run.path, rank=0, job="7"), pytest.raises(LeaseHeldError):
        run_lease(run.path, rank=0, job="7").__enter__()


def test_a_lease_is_given_back_when_those_of_others_cannot_be_read(run):
    (run.path / "leases/rank-00001.json").write_text("{")
    with pytest.raises(BrokenRunError, match=r"rank-00001\.json is damaged"):
        run_lease(run.path).__enter__()
    assert [path.name for path in (run.path / "leases").iterdir()] == ["rank-00001.json"]


def test_dead_ranks_of_another_job_are_no_hindrance(run):
    held_by(run.path / "leases/rank-00005.json", pid=dead_pid(), job="6")
    with run_lease(run.path, rank=0, job="7"):
        pass


def test_of_two_jobs_that_begin_at_once_at_most_one_works(run):
    inside, most = [], []

    def work(rank):
        with suppress(LeaseHeldError), RankLease(run.path, rank, job=str(rank), patience=20):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    jobs = [threading.Thread(target=work, args=(rank,)) for rank in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert most
    assert set(most) == {1}


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
    with pytest.raises(LeaseHeldError, match="process 1 on elsewhere, last heartbeat"), Lease(path, "it"):
        pass
    held_by(path, host="elsewhere", pid=1, heartbeat=time.time() - 3601)
    with Lease(path, "it") as lease:
        assert lease.attempt == 2


def test_a_lease_that_looks_expired_is_watched_by_a_clock_of_ones_own(path):
    held_by(path, host="elsewhere", pid=1, heartbeat=time.time() - 121)
    began = time.monotonic()
    with pytest.warns(UserWarning, match="waiting to see whether process 1 on elsewhere"), Lease(path, "it", beat=0.05):
        assert time.monotonic() - began >= 3 * 0.05


@pytest.mark.parametrize("ahead", [-600, 600])
def test_a_living_holder_is_not_robbed_because_its_clock_is_wrong(path, ahead):
    """It renews its lease by a clock that is ten minutes off."""
    stop = threading.Event()

    def renew():
        while not stop.wait(0.02):
            held_by(path, host="elsewhere", pid=1, heartbeat=time.time() + ahead)

    held_by(path, host="elsewhere", pid=1, heartbeat=time.time() + ahead)
    holder = threading.Thread(target=renew)
    holder.start()
    try:
        with (
            pytest.warns(UserWarning, match="waiting to see whether"),
            pytest.raises(LeaseHeldError, match="clock is 600 s ahead" if ahead > 0 else "heartbeat 600 s ago"),
            Lease(path, "it", beat=0.5, patience=0.5),
        ):
            pass
    finally:
        stop.set()
        holder.join()


@pytest.mark.parametrize("ahead", [0, 600])
def test_a_dead_holder_is_followed_whatever_its_clock_said(path, ahead):
    held_by(path, host="elsewhere", pid=1, heartbeat=time.time() + ahead)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Lease(path, "it", expiry=0.5, beat=0.1, patience=30) as lease:
            assert lease.attempt == 2


def test_a_process_that_has_not_been_heard_of_is_followed_though_its_number_is_in_use(path):
    held_by(path, heartbeat=time.time() - 3601)
    with Lease(path, "it"):
        pass


def test_a_restarted_job_follows_its_earlier_life_at_once(path):
    held_by(path, host="elsewhere", pid=1, job="slurm-7", restart=0)
    with pytest.raises(LeaseHeldError, match="job slurm-7"), Lease(path, "it", job="slurm-7", restart=0):
        pass
    with pytest.raises(LeaseHeldError), Lease(path, "it", job="slurm-8", restart=1):
        pass
    with Lease(path, "it", job="slurm-7", restart=1) as lease:
        assert lease.attempt == 2


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
