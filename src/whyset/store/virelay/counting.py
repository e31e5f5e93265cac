"""Blocks that are shown as they are done."""

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from whyset.progress import Progress

T = TypeVar("T", bound=Sized)


def count_blocks(blocks: Iterable[T], total: int, unit: str, telling: Progress) -> Iterator[T]:
    """Yield the blocks, and show how many of all their parts are done."""
    telling.start(total, unit)
    try:
        for block in blocks:
            yield block
            telling.advance(len(block))
    finally:
        telling.finish()
