"""The current activity of a worker, by which a watcher names what hangs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OF_BATCHES = "stop it (committed shards are kept), or use the engine 'local', which replaces a worker that hangs"
OF_STAGES = "if nothing moves, stop it (committed shards are kept), and check what the data set or the model waits for"
"""Advice for a batch or a stage that hangs."""
LOOK_SECONDS = 0.5
"""Seconds between two looks of a watcher, and the least time between two reports of progress."""


@dataclass(eq=False)
class Activity:
    """The samples being read, by which thread and since when, and when the last batch was finished.

    `stage` names the step before the first batch, and `advice` states what to do if it hangs.
    """

    stage: str = ""
    advice: str = OF_BATCHES
    _reading: dict[int, tuple[int, float]] = field(default_factory=dict)
    _stepped: float = field(default_factory=time.monotonic)
    _reported: float = 0.0
    report: Callable[[str], None] | None = None

    def begin(self, stage: str = "", advice: str = "") -> None:
        """Begin a stage; "" stands for the batches."""
        self.stage, self._stepped = stage, time.monotonic()
        self.advice = advice or (OF_STAGES if stage else OF_BATCHES)

    @contextmanager
    def reading(self, index: int) -> Iterator[None]:
        """Record that this thread reads the sample `index` inside the block."""
        thread = threading.get_ident()
        self._reading[thread] = index, time.monotonic()
        try:
            yield
        finally:
            self._reading.pop(thread, None)

    def step(self) -> None:
        """Record that a batch is finished."""
        self._stepped = time.monotonic()
        if self.report is not None and self._stepped - self._reported >= LOOK_SECONDS:
            self._reported = self._stepped
            self.report("")

    def longest_read(self) -> tuple[int, float] | None:
        """Return the sample whose reading takes longest, and the seconds so far; None if no sample is being read."""
        reading = list(self._reading.values())
        if not reading:
            return None
        index, since = min(reading, key=lambda one: one[1])
        return index, time.monotonic() - since

    @property
    def idle(self) -> float:
        """Seconds since the last batch was finished, or the stage began."""
        return time.monotonic() - self._stepped


@contextmanager
def watching(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` periodically in a separate thread while the block runs."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            look()

    watcher = threading.Thread(target=watch, name="whyset-watcher", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


@dataclass
class StallReport:
    """Reports, once each, samples, batches and stages that take longer than `timeout` seconds."""

    activity: Activity
    timeout: float
    say: Callable[[str], None]
    named: Callable[[int], str] = "sample {}".format
    said: set[int | str] = field(default_factory=set)

    def __call__(self) -> None:
        found, stage, idle = self.activity.longest_read(), self.activity.stage, self.activity.idle
        if found is not None and found[1] >= self.timeout:
            self._once(found[0], f"reading {self.named(found[0])} has taken {found[1]:,.0f} s so far")
        elif found is None and idle >= self.timeout:
            self._once(
                stage,
                f"{stage} has taken {idle:,.0f} s so far" if stage else f"no batch has finished for {idle:,.0f} s",
            )

    def _once(self, what: int | str, message: str) -> None:
        if what not in self.said:
            self.said.add(what)
            self.say(f"{message}; a process cannot interrupt itself: {self.activity.advice}")
