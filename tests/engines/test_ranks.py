"""Two ranks of one job as real processes, at once on one run, and a job that is refused, killed or on another host."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from whyset.store import Run, open_run
from whyset.store.lease import read_holder
from whyset.testing.engines import require_serial
from whyset.testing.tasks import until

WRITER = """
import os, socket, sys, time
from functools import partial
from pathlib import Path

from whyset.engines import Static
from whyset.store import open_run
from whyset.store.rank_lease import run_lease
from whyset.testing.store import example_rows, example_run
from whyset.store.shards import write_shard

folder, slowness, host = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
if host:
    socket.gethostname = lambda: host

def write(run, shard):
    time.sleep(slowness)
    return write_shard(run, shard, example_rows(run, shard)).attempt

run, engine = example_run(folder, samples=150), Static()
share = engine.share
with run_lease(run.path, share.rank, share.job, share.restart) as lease:
    for result in engine.map(write, run.pending_shards(), setup=partial(open_run, run.path)):
        lease.check()
        assert result.error is None, result.error
        print(result.task, flush=True)
"""


def start(folder: Path, slowness: float = 0.0, host: str = "", **environment: object) -> "subprocess.Popen[str]":
    names = ("SLURM_", "RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_", "MASTER_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    given = {name: str(value) for name, value in environment.items()}
    command = [sys.executable, "-W", "error", "-c", WRITER, str(folder), str(slowness), host]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=clean | given, stdout=pipe, stderr=pipe, text=True)


def array_task(task: int, **more: object) -> dict[str, object]:
    names = {"SLURM_ARRAY_JOB_ID": 70, "SLURM_JOB_ID": 70 + task}
    return names | {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": 2, "SLURM_ARRAY_TASK_MIN": 0} | more


def written(process: "subprocess.Popen[str]") -> list[int]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return sorted(map(int, out.split()))


def killed(folder: Path, **of: object) -> Run:
    """A run whose rank 0 was killed at work."""
    holder = start(folder, slowness=600, **of)
    until(lambda: (folder / "leases/rank-00000.json").exists())
    holder.kill()
    holder.communicate()
    return open_run(folder)


@pytest.mark.parametrize("launcher", ["array", "torchrun", "by hand"])
def test_two_ranks_that_create_and_fill_one_run_at_once(tmp_path: Path, launcher: str) -> None:
    environments = {
        "array": [array_task(0), array_task(1)],
        "torchrun": [
            {"RANK": rank, "WORLD_SIZE": 2, "TORCHELASTIC_RUN_ID": "none", "MASTER_PORT": 29500} for rank in (0, 1)
        ],
        "by hand": [{"RANK": rank, "WORLD_SIZE": 2} for rank in (0, 1)],
    }
    ranks = [start(tmp_path / "run", slowness=0.05, **environment) for environment in environments[launcher]]
    assert [written(rank) for rank in ranks] == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    run = open_run(tmp_path / "run")
    assert list((run.path / "leases").iterdir()) == []
    require_serial(run, tmp_path / "reference", count=150)


def test_another_job_is_refused_while_a_rank_lives(tmp_path: Path) -> None:
    first = start(tmp_path / "run", slowness=600, **array_task(1))
    until(lambda: (tmp_path / "run/leases/rank-00001.json").exists())
    second = start(tmp_path / "run", RANK=0, WORLD_SIZE=2)
    _, err = second.communicate(timeout=120)
    first.kill()
    first.communicate()
    assert f"is held by process {first.pid} on" in err
    assert "job slurm-70" in err
    assert second.returncode == 1


def test_a_killed_holder_on_this_host_is_followed_at_once(tmp_path: Path) -> None:
    killed(tmp_path / "run", RANK=0, WORLD_SIZE=1)
    assert written(start(tmp_path / "run", RANK=0, WORLD_SIZE=1)) == list(range(10))


def test_a_holder_killed_on_another_host_is_believed_for_a_while(tmp_path: Path) -> None:
    run = killed(tmp_path / "run", host="node7", RANK=0, WORLD_SIZE=1)
    heir = start(tmp_path / "run", host="node8", RANK=0, WORLD_SIZE=1)
    assert "on node7, job static-1, last heartbeat" in heir.communicate(timeout=120)[1]
    lease = run.path / "leases/rank-00000.json"
    holder = read_holder(lease)
    assert holder is not None
    lease.write_text(lease.read_text().replace(str(holder.heartbeat), str(holder.heartbeat - 3700)))
    assert written(start(tmp_path / "run", host="node8", RANK=0, WORLD_SIZE=1)) == list(range(10))


def test_a_requeued_task_follows_itself_from_another_host_at_once(tmp_path: Path) -> None:
    killed(tmp_path / "run", host="node7", **array_task(0))
    assert written(start(tmp_path / "run", host="node8", **array_task(0, SLURM_RESTART_COUNT=1))) == [0, 2, 4, 6, 8]


def test_a_stopped_holder_that_was_replaced_gives_up_when_it_wakes(tmp_path: Path) -> None:
    holder = start(tmp_path / "run", slowness=0.3, host="node7", **array_task(0))
    until(lambda: any((tmp_path / "run/commits").glob("*.json")))
    holder.send_signal(signal.SIGSTOP)
    heir = start(tmp_path / "run", host="node8", **array_task(0, SLURM_RESTART_COUNT=1))
    assert set(written(heir)) <= {0, 2, 4, 6, 8}
    holder.send_signal(signal.SIGCONT)
    _, err = holder.communicate(timeout=120)
    assert "was taken over by" in err or holder.returncode == 0
    assert written(start(tmp_path / "run", **array_task(1))) == [1, 3, 5, 7, 9]
    require_serial(open_run(tmp_path / "run"), tmp_path / "reference", count=150)
