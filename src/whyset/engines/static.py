"""Static: one rank of several that divide the tasks among themselves without talking to each other."""

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
    """Does the tasks i with `i % world == rank`, through the engine `inner`; gives results for these alone.

    Rank and world come from the arguments, else from Slurm or torchrun (see `get_launched_share`). A task that is a
    number is divided by that number and any other by its position in the list: ranks that start at different times
    see different lists of what is left to do, and must not miss a task for that.

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
            raise InputError("inner is a Static itself: expected an engine that does the tasks, such as Local()")
        _ = self.share  # a rank outside of its world is refused here

    @property
    def share(self) -> Share:
        """Ranks that no launcher started make one job if they divide by the same world."""
        job = job_id(os.environ) or f"static-{self.world}"
        assert self.rank is not None, "set when it was made"
        assert self.world is not None, "set when it was made"
        return Share(self.rank, self.world, job, restarts(os.environ))

    @property
    def in_process(self) -> bool:
        return self.inner.in_process

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        numbers = (task if isinstance(task, int) else position for position, task in enumerate(tasks))
        mine = [task for task, number in zip(tasks, numbers, strict=True) if self.share.holds(number)]
        return self.inner.run(work, mine, retries)
