"""Progress: what long work tells whoever shows it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """A display of long work: `start`, then any number of `advance` and `say`, then `finish`."""

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def say(self, line: str) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Silent:
    """The progress that shows nothing."""

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def say(self, line: str) -> None: ...

    def finish(self) -> None: ...
