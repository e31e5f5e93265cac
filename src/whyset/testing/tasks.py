"""Setups and tasks for tests of engines; imports are light, as every worker process imports this module."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from whyset.engines import worker_number
from whyset.errors import InputError


def return_hundred() -> int:
    return 100


def add_task(state: int, task: int) -> int:
    return state + task


def state_is_none(state: object, _: int) -> bool:
    return state is None


def ignore(_: object, task: int) -> int:
    return task


def refuse_three(_: object, task: int) -> int:
    if task == 3:
        raise ValueError("three is refused")
    return task


def fail_setup() -> int:
    raise InputError("weights not found")


def kill_self() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def kill_at_two(_: object, task: int) -> int:
    return kill_self() if task == 2 else task


def hold(_lock: object, _: object, task: int) -> int:
    return task


def make_lambda(_: object, task: int) -> Callable[[], int]:
    return lambda: task


class CountedSetup:
    """A setup that creates one file per call, named after its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> None:
        (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()


class KillOnce:
    """A task that ends its process the first time."""

    def __init__(self, folder: Path, at: int) -> None:
        self.marker, self.at = folder / "killed", at

    def __call__(self, _: object, task: int) -> int:
        if task == self.at and not self.marker.exists():
            self.marker.touch()
            kill_self()
        return task


class Meeting:
    """Tasks 0 and 1 that each wait until the other has begun, and return the numbers of their workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, _: object, task: int) -> int:
        (self.folder / str(task)).touch()
        until(lambda: (self.folder / str(1 - task)).exists())
        return worker_number()


class KillOther:
    """Task 0 kills all workers but its own, once another one exists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, _: object, task: int) -> int:
        (self.folder / str(os.getpid())).touch()
        if task == 0:
            until(lambda: len(list(self.folder.iterdir())) > 1)
            for other in {path.name for path in self.folder.iterdir()} - {str(os.getpid())}:
                os.kill(int(other), signal.SIGKILL)
        return task


class Sleep:
    """A task that creates a file named by its process id, and sleeps."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds

    def __call__(self, _: object, task: int) -> int:
        (self.folder / str(os.getpid())).touch()
        time.sleep(self.seconds)
        return task


def until(happened: Callable[[], bool]) -> None:
    """Wait until a condition is true, at most two minutes."""
    for _ in range(12000):
        if happened():
            return
        time.sleep(0.01)
    raise TimeoutError("the condition did not become true within two minutes")
