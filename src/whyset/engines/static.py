"""Static: one of several ranks that divide the tasks without communication."""

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from whyset.arguments import whole_number
from whyset.engines.protocol import Engine, TaskResult, Work
from whyset.engines.serial import Serial
from whyset.engines.share import Share, get_launched_share, job_id, restarts
from whyset.errors import InputError


@dataclass(frozen=True)
class Static(Engine):
    """Runs the tasks i with `i % world == rank` through the engine `inner`, and yields their results only.

    Rank and world come from the arguments, or from Slurm or torchrun (see `get_launched_share`). Integer tasks are
    assigned by their value, others by their position in the list: ranks that start at different times have different
    lists of pending tasks, and must not skip a task because of that.

    >>> [result.task for result in Static(rank=1, world=2).map(lambda _, task: task, [2, 3, 4, 5])]
    [3, 5]
    """

    rank: int | None = None
    world: int | None = None
    inner: Engine = field(default_factory=Serial)

    def __post_init__(self) -> None:
        if (self.rank is None) != (self.world is None):
            raise InputError(f"rank is {self.rank} and world is {self.world}: expected both or neither")
        if self.rank is None or self.world is None:
            launched = get_launched_share(os.environ)
            object.__setattr__(self, "rank", launched.rank)
            object.__setattr__(self, "world", launched.world)
        for name in ("rank", "world"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        if isinstance(self.inner, Static):
            raise InputError("inner is a Static: expected an engine that runs the tasks, such as Local()")
        _ = self.share  # raises if the rank is outside of its world

    @property
    def share(self) -> Share:
        """The share of this rank; ranks without a launcher and with the same world form one job."""
        job = job_id(os.environ) or f"static-{self.world}"
        assert self.rank is not None, "set in __post_init__"
        assert self.world is not None, "set in __post_init__"
        return Share(self.rank, self.world, job, restarts(os.environ))

    @property
    def in_process(self) -> bool:
        return self.inner.in_process

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        numbers = (task if isinstance(task, int) else position for position, task in enumerate(tasks))
        mine = [task for task, number in zip(tasks, numbers, strict=True) if self.share.holds(number)]
        return self.inner.run(work, mine, retries)
