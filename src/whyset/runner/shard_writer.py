"""Shards written by a thread of their own, while the next one is computed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Self, TypeVar

from whyset.errors import StorageError

V = TypeVar("V")


class ShardWriter:
    """Does one thing after the other, off the calling thread; whoever hands over waits until the last one is done.

    So there are never more than two shards in memory: the one that is written and the one that is computed. The end of
    the `with` block waits, too: an interrupted run keeps the shard that it was writing.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "whyset-writer")
        self._last: Future[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.shutdown(wait=True)

    def require_writable(self) -> None:
        """Raise the StorageError that what was handed over last ended with: nothing computed since could be kept."""
        if self._last is not None and self._last.done() and isinstance(self._last.exception(), StorageError):
            self._last.result()

    def hand_over(self, do: Callable[[], V]) -> "Future[V]":
        """Wait for what was handed over last, begin with `do`, and give its value as a Future."""
        if self._last is not None:
            wait([self._last])
        future = self._pool.submit(do)
        self._last = future
        return future
