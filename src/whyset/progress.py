"""Progress: the interface between long work and its display."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """A display of long work: `start`, then any number of `advance`, `info` and `warn`, then `finish`.

    `warn` is for likely errors: failures and warnings of checks. If nothing is shown, they are logged as warnings.
    """

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def info(self, line: str) -> None: ...

    def warn(self, line: str) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Silent:
    """A progress that shows nothing; a display derived from it handles warnings like other lines."""

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def info(self, line: str) -> None: ...

    def warn(self, line: str) -> None:
        self.info(line)

    def finish(self) -> None: ...
