"""Share: the part of the tasks of one process among several, and the job to which it belongs."""

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whyset.arguments import whole_number
from whyset.errors import InputError


@dataclass(frozen=True)
class Share:
    """The tasks i with `i % world == rank`.

    `job` identifies the job of the ranks (None: unknown), `restart` is the number of times that its launcher has
    restarted it.

    >>> Share(rank=1, world=3).of(range(8))
    [1, 4, 7]
    """

    rank: int = 0
    world: int = 1
    job: str | None = None
    restart: int = 0

    def __post_init__(self) -> None:
        whole_number("rank", self.rank), whole_number("world", self.world)
        if not 0 <= self.rank < self.world:
            raise InputError(
                f"rank {self.rank} of {self.world}: expected 0 to world - 1, with a world of at least one process"
            )

    def holds(self, number: int) -> bool:
        return number % self.world == self.rank

    def of(self, numbers: Iterable[int]) -> list[int]:
        return [number for number in numbers if self.holds(number)]


def get_launched_share(environment: Mapping[str, str]) -> Share:
    """Return the share that Slurm or torchrun assigned to this process.

    Within a job `RANK` of `WORLD_SIZE` has priority over `SLURM_PROCID` of `SLURM_NTASKS`, as srun may have started
    torchrun. The tasks of a Slurm array divide the work first, then the processes within each task.
    """
    array, inside = _array(environment), _inside(environment)
    if array is None and inside is None:
        raise InputError(
            "the engine 'static' needs rank and world: expected SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, "
            "RANK and WORLD_SIZE, or SLURM_PROCID and SLURM_NTASKS in the environment; or pass both, as in "
            "Static(rank=0, world=4)"
        )
    (index, count), (rank, world) = array or (0, 1), inside or (0, 1)
    return Share(index * world + rank, count * world, job_id(environment), restarts(environment))


def job_id(environment: Mapping[str, str]) -> str | None:
    """Return the launcher's identifier of this job; None without a launcher."""
    for name in ("SLURM_ARRAY_JOB_ID", "SLURM_JOB_ID"):
        if name in environment:
            return f"slurm-{environment[name]}"
    if "TORCHELASTIC_RUN_ID" in environment:  # "none" by default, so the address has to distinguish jobs
        where = (environment.get(name, "") for name in ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT"))
        return "-".join(["torchrun", *where])
    return None


def restarts(environment: Mapping[str, str]) -> int:
    """Return the number of restarts of this job, after a node failure or on request."""
    return max(_number(environment, name) or 0 for name in ("SLURM_RESTART_COUNT", "TORCHELASTIC_RESTART_COUNT"))


def local_rank() -> int:
    """Return the number of this process among those of its job on this host, used to choose a device."""
    found = (_number(os.environ, name) for name in ("LOCAL_RANK", "SLURM_LOCALID"))
    return next((number for number in found if number is not None), 0)


def _array(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Return the position of this task in a Slurm array and the number of tasks: ids start at MIN in steps of STEP."""
    task, count = (_number(environment, f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "COUNT"))
    if task is None or count is None:
        return None
    first = _number(environment, "SLURM_ARRAY_TASK_MIN") or 0
    step = _number(environment, "SLURM_ARRAY_TASK_STEP") or 1
    last = _number(environment, "SLURM_ARRAY_TASK_MAX")
    index, rest = divmod(task - first, step)
    if rest or not 0 <= index < count or last not in (None, first + step * (count - 1)):
        raise InputError(
            f"task {task} of a Slurm array of {count} tasks that begins at {first} with step {step}: an array with "
            f"gaps cannot be divided; use --array=0-{count - 1} (finished work is not repeated)"
        )
    return index, count


def _inside(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Return rank and world within a job, or within one task of an array."""
    rank, world = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
    if rank is not None and world is not None:
        return rank, world
    rank = _number(environment, "SLURM_PROCID")
    world = _number(environment, "SLURM_STEP_NUM_TASKS") or _number(environment, "SLURM_NTASKS")
    if rank is None or world is None:
        return None
    if "SLURM_STEP_ID" not in environment and world > 1:  # the batch script itself, a single process
        if "SLURM_ARRAY_TASK_ID" in environment:
            return None
        warnings.warn(
            f"this is rank {rank} of {world}, but srun did not start it: start the script with srun to run all ranks",
            stacklevel=2,
        )
    return rank, world


def _number(environment: Mapping[str, str], name: str) -> int | None:
    given = environment.get(name)
    if given is None or given.isdecimal():
        return None if given is None else int(given)
    raise InputError(f"the environment variable {name} is {given!r}: expected a number")
