"""How import and export tell what they do: the methods of a display of long work that they use."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T", bound=Sized)


class Telling(Protocol):
    """A display: `start`, any number of `advance` and `say`, then `finish`."""

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def say(self, line: str) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Silent:
    """The display that shows nothing."""

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def say(self, line: str) -> None: ...

    def finish(self) -> None: ...


def counted(blocks: Iterable[T], total: int, unit: str, telling: Telling) -> Iterator[T]:
    """Yield the blocks, and show how many of all their parts are done."""
    telling.start(total, unit)
    try:
        for block in blocks:
            yield block
            telling.advance(len(block))
    finally:
        telling.finish()
