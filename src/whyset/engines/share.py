"""Share: which part of the tasks a process does that is one of several, and which job it belongs to."""

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whyset.arguments import whole_number
from whyset.errors import InputError


@dataclass(frozen=True)
class Share:
    """The tasks i with `i % world == rank`.

    `job` is what the ranks of one job have in common (None: nothing is known of a job), `restart` how often its
    launcher has started it again.

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
    """The share that Slurm or torchrun gave to this process.

    Within a job `RANK` of `WORLD_SIZE` wins over `SLURM_PROCID` of `SLURM_NTASKS`, because torchrun may itself have
    been started by srun. The tasks of a Slurm array divide the work first, and the processes within each of them again.
    """
    array, inside = _array(environment), _inside(environment)
    if array is None and inside is None:
        raise InputError(
            "the engine 'static' needs rank and world: expected SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, "
            "RANK and WORLD_SIZE, or SLURM_PROCID and SLURM_NTASKS in the environment; or give both, as in "
            "Static(rank=0, world=4)"
        )
    (index, count), (rank, world) = array or (0, 1), inside or (0, 1)
    return Share(index * world + rank, count * world, job_id(environment), restarts(environment))


def job_id(environment: Mapping[str, str]) -> str | None:
    """What names this job for its launcher; None without a launcher."""
    for name in ("SLURM_ARRAY_JOB_ID", "SLURM_JOB_ID"):
        if name in environment:
            return f"slurm-{environment[name]}"
    if "TORCHELASTIC_RUN_ID" in environment:  # "none" unless it was given, so the address has to tell jobs apart
        where = (environment.get(name, "") for name in ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT"))
        return "-".join(["torchrun", *where])
    return None


def restarts(environment: Mapping[str, str]) -> int:
    """How often the launcher has started this job again, after a node failed or on request."""
    return max(_number(environment, name) or 0 for name in ("SLURM_RESTART_COUNT", "TORCHELASTIC_RESTART_COUNT"))


def local_rank() -> int:
    """The number of this process among those of its job on this host; it serves to choose a device."""
    found = (_number(os.environ, name) for name in ("LOCAL_RANK", "SLURM_LOCALID"))
    return next((number for number in found if number is not None), 0)


def _array(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Position of this task in a Slurm array, and how many there are: ids begin at MIN and go up by STEP."""
    task, count = (_number(environment, f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "COUNT"))
    if task is None or count is None:
        return None
    first = _number(environment, "SLURM_ARRAY_TASK_MIN") or 0
    step = _number(environment, "SLURM_ARRAY_TASK_STEP") or 1
    last = _number(environment, "SLURM_ARRAY_TASK_MAX")
    index, rest = divmod(task - first, step)
    if rest or not 0 <= index < count or last not in (None, first + step * (count - 1)):
        raise InputError(
            f"task {task} of a Slurm array of {count} tasks that begins at {first} and goes up by {step}: an array "
            f"with gaps cannot be divided; use --array=0-{count - 1} (what is done already is not done again)"
        )
    return index, count


def _inside(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Rank and world within a job, or within one task of an array."""
    rank, world = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
    if rank is not None and world is not None:
        return rank, world
    rank = _number(environment, "SLURM_PROCID")
    world = _number(environment, "SLURM_STEP_NUM_TASKS") or _number(environment, "SLURM_NTASKS")
    if rank is None or world is None:
        return None
    if "SLURM_STEP_ID" not in environment and world > 1:  # the script itself, which is one process
        if "SLURM_ARRAY_TASK_ID" in environment:
            return None
        warnings.warn(
            f"this is rank {rank} of {world}, but srun did not start it: the others will not come unless srun does",
            stacklevel=2,
        )
    return rank, world


def _number(environment: Mapping[str, str], name: str) -> int | None:
    given = environment.get(name)
    if given is None or given.isdecimal():
        return None if given is None else int(given)
    raise InputError(f"the environment variable {name} is {given!r}: expected a number")
