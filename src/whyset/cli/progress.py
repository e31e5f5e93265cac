"""The display of a command, chosen by `--quiet` and `--verbose`."""

import logging

from whyset.display import Log, display
from whyset.progress import Progress

LOGGER = logging.getLogger("whyset")


class TimedProgress:
    """A display that also logs the duration of each stage."""

    def __init__(self, shown: Progress) -> None:
        self.shown, self.log = shown, Log()

    def start(self, total: int, unit: str) -> None:
        self.shown.start(total, unit)
        self.log.start(total, unit)

    def advance(self, n: int) -> None:
        self.shown.advance(n)

    def info(self, line: str) -> None:
        self.shown.info(line)

    def warn(self, line: str) -> None:
        self.shown.warn(line)

    def finish(self) -> None:
        self.shown.finish()
        self.log.finish()


def choose_display() -> Progress:
    """Return the display for this command: none with `--quiet`, one that logs durations with `--verbose`."""
    if not LOGGER.isEnabledFor(logging.WARNING):
        return Log()
    return TimedProgress(display()) if LOGGER.isEnabledFor(logging.DEBUG) else display()
