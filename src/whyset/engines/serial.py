"""Serial: the tasks one after the other in this process."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from whyset.engines.protocol import S, T, TaskResult, V, error_text


@dataclass(frozen=True)
class Serial:
    """The engine without workers; `retries` has no meaning here, because the death of the process ends the map."""

    def map(
        self,
        fn: Callable[[S | None, T], V],
        tasks: Sequence[T],
        *,
        setup: Callable[[], S] | None = None,
        retries: int = 3,  # part of the protocol
    ) -> Iterator[TaskResult[T, V]]:
        state = setup() if setup is not None and tasks else None
        for task in tasks:
            try:
                yield TaskResult(task, value=fn(state, task))
            except Exception as error:
                yield TaskResult(task, error=error_text(error))
