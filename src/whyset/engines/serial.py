"""Serial: run the tasks one after the other in this process."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from whyset.engines.protocol import Engine, TaskResult, Work, error_text
from whyset.errors import JobStoppedError, StorageError


@dataclass(frozen=True)
class Serial(Engine):
    """Engine without workers; `retries` has no effect, as the death of the process ends the map."""

    @property
    def in_process(self) -> bool:
        return True

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        state = work.setup() if tasks else None
        unsettled: deque[tuple[Any, Future[Any]]] = deque()
        for task in tasks:
            result = _result(task, partial(work.fn, state, task))
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


def _result(task: Any, call: Callable[[], Any]) -> TaskResult[Any, Any]:
    try:
        return TaskResult(task, value=call())
    except JobStoppedError:
        raise
    except StorageError as error:
        raise JobStoppedError(str(error)) from error
    except Exception as error:
        return TaskResult(task, error=error_text(error))
