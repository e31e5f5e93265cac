"""Writing of shards in a separate thread while the next one is computed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Self, TypeVar

from whyset.errors import StorageError

V = TypeVar("V")


class ShardWriter:
    """Runs one task after the other in a separate thread; `hand_over` waits until the last one is done.

    So at most two shards are in memory: the one that is written and the one that is computed. The end of the `with`
    block waits, too: an interrupted run keeps the shard that it was writing.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "whyset-writer")
        self._last: Future[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.shutdown(wait=True)

    def require_writable(self) -> None:
        """Raise the StorageError of the last task: nothing computed since could be stored."""
        if self._last is not None and self._last.done() and isinstance(self._last.exception(), StorageError):
            self._last.result()

    def hand_over(self, do: Callable[[], V]) -> "Future[V]":
        """Wait for the last task, start `do`, and return its Future."""
        if self._last is not None:
            wait([self._last])
        future = self._pool.submit(do)
        self._last = future
        return future
