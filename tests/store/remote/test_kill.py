"""Kill -9 between and inside requests to an object store: another process finishes the run, byte for byte."""

import signal
import subprocess
import sys

import pytest

from whyset.store import open_run
from whyset.testing.engines import read_stored_bytes
from whyset.testing.store import example_run, write_pending

WRITER = """
import os, signal, sys, threading, time
from whyset.store import RemotePath
from whyset.testing.store import example_run, write_pending

class Deadly:
    # A store that kills its process at one of its requests: before it, or while it is on its way.
    def __init__(self, store, left, inside):
        self.store, self.left, self.inside = store, left, inside

    def __getattr__(self, name):
        request = getattr(self.store, name)
        def counted(*given, **options):
            self.left -= 1
            if self.left == 0 and not self.inside:
                os.kill(os.getpid(), signal.SIGKILL)
            if self.left == 0:
                threading.Thread(target=request, args=given, kwargs=options, daemon=True).start()
                time.sleep(0.002)
                os.kill(os.getpid(), signal.SIGKILL)
            return request(*given, **options)
        return counted

path = RemotePath.of(sys.argv[1])
deadly = Deadly(path.store, int(sys.argv[2]), sys.argv[3] == "inside")
write_pending(example_run(RemotePath(deadly, path.base, path.key)))
"""


def write_until_killed(url, requests, when):
    command = [sys.executable, "-c", WRITER, url, str(requests), when]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode


@pytest.mark.parametrize(
    ("requests", "when"),
    [(9, "before"), (33, "inside"), (52, "before"), (90, "inside")],
)
def test_killed_at_any_request_a_run_is_finished_by_another_process(url, undisturbed, requests, when):
    assert write_until_killed(url, requests, when) == -signal.SIGKILL
    resumed = write_pending(example_run(url))
    assert not list((resumed.path / "commits").glob("*.claim"))
    assert read_stored_bytes(resumed) == undisturbed
    assert resumed.verify() == []


def test_killed_again_and_again_a_run_is_finished_in_the_end(url, undisturbed):
    returned = [write_until_killed(url, 75, "inside") for _ in range(4)]
    assert returned[0] == -signal.SIGKILL
    assert returned[-1] == 0
    assert read_stored_bytes(open_run(url)) == undisturbed
    assert open_run(url).verify() == []
