"""Displays of long work: a progress bar on a terminal, plain lines otherwise, or only the log."""

import importlib.util
import logging
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as RemainingTime
from rich.text import Text

from whyset.printable import printable
from whyset.progress import Progress as AnyProgress

LOGGER = logging.getLogger("whyset.progress")

LINE_SECONDS = 10.0


def resolve_progress(progress: AnyProgress | bool | None) -> AnyProgress:
    """Choose the display: a given one, or by default a bar on a terminal or in a notebook and the log elsewhere.

    True shows a bar, or plain lines where a bar cannot be drawn; False shows nothing. Messages not shown are logged.
    """
    if progress is None:
        console = _make_console()
        progress = console.is_terminal or console.is_jupyter
    if isinstance(progress, bool):
        return display() if progress else Log()
    return progress


def display() -> "Bar | Lines":
    """Return a bar on a terminal, and in a notebook that can draw one; plain lines elsewhere."""
    console = _make_console()
    drawable = console.is_terminal or (console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None)
    return Bar(console) if drawable else Lines()


def _make_console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


@dataclass
class Log:
    """A display that shows nothing: messages go to the logger `whyset.progress`, warnings at the level WARNING.

    Each stage (`start` to `finish`) is logged at the level DEBUG with its duration.
    """

    unit: str = ""
    started: float | None = None

    def start(self, total: int, unit: str) -> None:
        self.finish()
        self.unit, self.started = f"{total:,} {unit}", time.monotonic()

    def advance(self, n: int) -> None: ...

    def info(self, line: str) -> None:
        LOGGER.info("%s", printable(line))

    def warn(self, line: str) -> None:
        LOGGER.warning("%s", printable(line))

    def finish(self) -> None:
        if self.started is not None:
            LOGGER.debug("stage of %s: %.3f s", self.unit, time.monotonic() - self.started)
            self.started = None


class Rate(ProgressColumn):
    """Units finished per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.1f} {task.description}/s")


class Bar:
    """A progress bar; messages are printed above it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: Progress | None = None
        self.task = TaskID(0)

    def start(self, total: int, unit: str) -> None:
        self.finish()
        if total:
            remaining = RemainingTime(elapsed_when_finished=True)
            self.bar = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}", markup=False),
                Rate(),
                remaining,
                console=self.console,
            )
            self.task = self.bar.add_task(unit, total=total)
            self.bar.start()

    def advance(self, n: int) -> None:
        if self.bar is not None:
            self.bar.advance(self.task, n)

    def info(self, line: str) -> None:
        self.console.print(Text(printable(line)), soft_wrap=True)

    def warn(self, line: str) -> None:
        self.info(line)

    def finish(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


@dataclass
class Lines:
    """Plain lines: one every ten seconds with progress, rate and remaining time, and one at the end."""

    total: int = 0
    done: int = 0
    unit: str = ""
    started: float = field(default_factory=time.monotonic)
    last_line: float = field(default_factory=time.monotonic)

    def start(self, total: int, unit: str) -> None:
        self.total, self.done, self.unit = total, 0, unit
        self.started = self.last_line = time.monotonic()

    def advance(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if self.done >= self.total or now - self.last_line >= LINE_SECONDS:
            self.last_line = now
            rate = self.done / max(now - self.started, 1e-9)
            left = f", {(self.total - self.done) / rate:,.0f} s left" if 0 < self.done < self.total else ""
            self.info(f"{self.done:,} of {self.total:,} {self.unit} ({rate:,.1f}/s{left})")

    def info(self, line: str) -> None:
        print(printable(line), flush=True)

    def warn(self, line: str) -> None:
        self.info(line)

    def finish(self) -> None: ...
