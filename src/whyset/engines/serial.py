"""Serial: the tasks one after the other in this process."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

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
        unsettled: deque[tuple[T, Future[V]]] = deque()
        for task in tasks:
            result = _result(task, partial(fn, state, task))
            if isinstance(result.value, Future):
                unsettled.append((task, result.value))
            else:
                yield result
            while unsettled and unsettled[0][1].done():
                earlier, future = unsettled.popleft()
                yield _result(earlier, future.result)
        while unsettled:
            earlier, future = unsettled.popleft()
            yield _result(earlier, future.result)


def _result(task: T, call: Callable[[], V]) -> TaskResult[T, V]:
    try:
        return TaskResult(task, value=call())
    except Exception as error:
        return TaskResult(task, error=error_text(error))
