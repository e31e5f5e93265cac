"""A process is known by its boot, PID namespace and start time; a number alone robs the living."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from whyset.store import LeaseHeldError, Run
from whyset.store.analysis_writer import _beside
from whyset.store.jsonfile import replace_json
from whyset.store.lease import Lease, new_holder, read_holder
from whyset.store.process_identity import ProcessIdentity
from whyset.store.selections import Selection, Selections

linux = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="this system tells no PID namespaces")


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def other_namespace(script: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a program as a container of the same host name would: its processes are numbered from 1."""
    command = ["unshare", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("PID namespaces cannot be made here (unshare needs root)")
    program = [*command, sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@linux
def test_this_process_has_not_ended_and_a_finished_one_has() -> None:
    me = ProcessIdentity.current()
    assert me.boot
    assert me.namespace.startswith("pid:[")
    assert me.started.isdecimal()
    assert not me.has_ended()
    assert replace(me, pid=dead_pid(), started="1").has_ended()


@linux
def test_a_number_that_was_given_again_is_another_process(tmp_path: Path) -> None:
    me = ProcessIdentity.current()
    assert replace(me, started=str(int(me.started) - 1)).has_ended()
    replace_json(tmp_path / "lease.json", replace(new_holder(), started=str(int(me.started) - 1)).to_json())
    with Lease(tmp_path / "lease.json", "it") as lease:
        assert lease.attempt == 2


@linux
@pytest.mark.parametrize("changes", [{"boot": "another"}, {"namespace": "pid:[1]"}, {"host": "elsewhere"}])
def test_of_a_process_elsewhere_nothing_is_concluded(tmp_path: Path, changes: dict[str, str]) -> None:
    gone = dead_pid()
    assert not replace(ProcessIdentity.current(), pid=gone, **changes).has_ended()
    replace_json(tmp_path / "lease.json", replace(new_holder(), pid=gone, **changes).to_json())
    with pytest.raises(LeaseHeldError), Lease(tmp_path / "lease.json", "it"):
        pass


@linux
def test_a_lease_of_an_earlier_version_is_read_and_its_heartbeat_decides(tmp_path: Path) -> None:
    path, old = tmp_path / "lease.json", ("token", "host", "pid", "attempt", "heartbeat", "job", "restart")
    stored = replace(new_holder(), pid=dead_pid()).to_json()
    path.write_text(json.dumps({name: stored[name] for name in old}))
    holder = read_holder(path)
    assert holder is not None
    assert (holder.boot, holder.namespace, holder.started) == ("", "", "")
    with pytest.raises(LeaseHeldError), Lease(path, "it"):
        pass
    path.write_text(json.dumps({name: stored[name] for name in old} | {"heartbeat": time.time() - 3601}))
    with Lease(path, "it") as lease:
        assert lease.attempt == 2


TAKE = """
import sys
from pathlib import Path
from whyset.store.lease import Lease, LeaseHeldError

try:
    with Lease(Path(sys.argv[1]), "it"):
        print("taken")
except LeaseHeldError:
    print("refused")
"""


@linux
def test_a_job_in_another_namespace_does_not_take_the_lease_of_a_living_one(tmp_path: Path) -> None:
    with Lease(tmp_path / "lease.json", "it") as lease:
        said, _ = other_namespace(TAKE, tmp_path / "lease.json").communicate()
        assert said == "refused\n"
        lease.check()


HOLD = """
import sys
from pathlib import Path
from whyset.store.lease import Lease

with Lease(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@linux
def test_the_lease_of_a_job_in_another_namespace_is_respected(tmp_path: Path) -> None:
    """Its number is that of no process, or of another one, here."""
    job = other_namespace(HOLD, tmp_path / "lease.json")
    try:
        assert job.stdout is not None
        assert job.stdout.readline() == "held\n"
        holder = read_holder(tmp_path / "lease.json")
        assert holder is not None
        assert holder.pid < 10
        with pytest.raises(LeaseHeldError, match=f"process {holder.pid} on"), Lease(tmp_path / "lease.json", "it"):
            pass
    finally:
        job.communicate("\n")
    assert not (tmp_path / "lease.json").exists()


CHANGE = """
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
from whyset.store import LeaseHeldError
from whyset.store.selections import Selections

selections = Selections(Path(sys.argv[1]), 40)
try:
    with patch("whyset.store.selections._PATIENCE_SECONDS", 0.2):
        selections.change(replace(selections.get(sys.argv[2]), note="other"))
    print("changed")
except LeaseHeldError:
    print("refused")
"""


@linux
def test_the_claim_of_a_selection_is_respected_in_another_namespace(tmp_path: Path) -> None:
    selections = Selections(tmp_path, 40)
    mark = selections.add(Selection(name="mark", rows=(3, 9)))
    with selections._alone(mark.id):
        said, _ = other_namespace(CHANGE, tmp_path, mark.id).communicate()
    assert said == "refused\n"
    assert other_namespace(CHANGE, tmp_path, mark.id).communicate()[0] == "changed\n"


ANALYZE = """
import sys
from whyset.store import open_run

open_run(sys.argv[1]).analysis_writer("spray", {})
"""


@linux
def test_what_a_rank_in_another_namespace_is_writing_stays(full_run: Run) -> None:
    writer = full_run.analysis_writer("spray", {})
    mine = _beside(writer.path / "00001", "partial")
    mine.mkdir()
    other_namespace(ANALYZE, full_run.path).communicate()
    full_run.analysis_writer("spray", {})
    assert mine.is_dir()


@linux
def test_what_a_finished_process_left_goes_and_so_does_that_of_a_number_given_again(full_run: Run) -> None:
    writer = full_run.analysis_writer("spray", {})
    mine = _beside(writer.path / "00001", "partial")
    me = ProcessIdentity.current()
    ended = mine.with_name(mine.name.replace(f"-{me.pid}_", f"-{dead_pid()}_"))
    again = mine.with_name(mine.name.replace(f"_{me.started}-", f"_{int(me.started) - 1}-"))
    for folder in (mine, ended, again):
        folder.mkdir()
    full_run.analysis_writer("spray", {})
    assert [path for path in (mine, ended, again) if path.exists()] == [mine]


def test_without_what_linux_tells_the_number_decides_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.store.process_identity._PROC", Path("/nowhere"))
    me = ProcessIdentity.current()
    assert (me.boot, me.namespace, me.started) == ("", "", "")
    assert not me.has_ended()
    assert replace(me, pid=dead_pid()).has_ended()
    assert os.getpid() == me.pid
