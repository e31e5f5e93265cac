"""Ctrl-C: the first one ends the work in order, a further one at once, and none prints a traceback."""

import os
import signal
import sys
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from whyset.cli.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

LINE = "whyset: interrupted; the same command again continues"
_SHOW_CURSOR = b"\x1b[?25h"


@dataclass
class Interrupts:
    """The Ctrl-C that a process has got; `ended` is set when its command is over and only the interpreter ends."""

    count: int = 0
    told: bool = False
    ended: bool = False

    def install(self) -> None:
        """Take over Ctrl-C for the rest of this process, except where it is ignored, as in background jobs."""
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._take)
            sys.unraisablehook = self._take_unraisable

    def tell(self) -> int:
        """Say once that the command was interrupted, and give the exit code."""
        if not self.told:
            self.told = True
            sys.stderr.write(f"{LINE}\n")  # not by print, whose line a further Ctrl-C could cut in two
            sys.stderr.flush()
        return INTERRUPTED

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1 and not self.ended:
            raise KeyboardInterrupt
        self._leave()

    def _take_unraisable(self, unraisable: "UnraisableHookArgs") -> None:
        """Leave where the interrupt arrived in a finalizer or a callback, which cannot pass it on."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._leave()
        sys.__unraisablehook__(unraisable)

    def _leave(self) -> None:
        """End the process now: what is committed is whole, and workers end with their parent."""
        if sys.stdout is not None and sys.stdout.isatty():
            os.write(1, _SHOW_CURSOR)  # a progress bar hides it
        if not (self.told or self.ended):
            os.write(2, f"{LINE}\n".encode())
        os._exit(INTERRUPTED)
