"""Progress: what long work tells whoever shows it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """A display of long work: `start`, then any number of `advance`, `say` and `warn`, then `finish`.

    `warn` is for what is likely to be wrong: failures and warnings of checks. Where nothing is shown they
    are logged as warnings.
    """

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def info(self, line: str) -> None: ...

    def warn(self, line: str) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Silent:
    """The progress that shows nothing; a display derived from it handles warnings as other lines."""

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def info(self, line: str) -> None: ...

    def warn(self, line: str) -> None:
        self.info(line)

    def finish(self) -> None: ...
