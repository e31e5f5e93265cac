import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from whyset.engines import Engine, Local
from whyset.testing.engines import ProcessEngineContract
from whyset.testing.tasks import until

SCRIPT = """
import os, sys, time
from pathlib import Path
from whyset.engines import Local

class Slow:
    def __init__(self, folder): self.folder = folder
    def __call__(self, state, task):
        (self.folder / str(os.getpid())).touch()
        time.sleep(600)

if __name__ == "__main__":
    list(Local(workers=2).map(Slow(Path(sys.argv[1])), [1, 2, 3]))
"""


class TestLocal(ProcessEngineContract):
    def engine(self) -> Engine:
        return Local(workers=2)


@pytest.fixture
def job(tmp_path: Path) -> subprocess.Popen[str]:
    """A process that maps sleeping tasks over two workers; each worker leaves a file with its process id."""
    script, pids = tmp_path / "script.py", tmp_path / "pids"
    script.write_text(SCRIPT)
    pids.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(script), str(pids)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until(lambda: len(list(pids.iterdir())) == 2)
    return process


def test_ctrl_c_ends_all_workers(job: subprocess.Popen[str], tmp_path: Path) -> None:
    os.killpg(job.pid, signal.SIGINT)  # as a terminal does: to the parent and to all workers
    _, errors = job.communicate(timeout=30)
    assert errors.count("KeyboardInterrupt") == 1
    until(lambda: not living(tmp_path / "pids"))


def test_workers_end_with_a_killed_parent(job: subprocess.Popen[str], tmp_path: Path) -> None:
    job.kill()
    job.wait(30)
    until(lambda: not living(tmp_path / "pids"))


def living(pids: Path) -> list[str]:
    return [path.name for path in pids.iterdir() if is_running(int(path.name))]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")
