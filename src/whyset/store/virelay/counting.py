"""Progress of blocks of work."""

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from whyset.progress import Progress

T = TypeVar("T", bound=Sized)


def count_blocks(blocks: Iterable[T], total: int, unit: str, telling: Progress) -> Iterator[T]:
    """Yield the blocks, and show the number of finished parts."""
    telling.start(total, unit)
    try:
        for block in blocks:
            yield block
            telling.advance(len(block))
    finally:
        telling.finish()
