"""Ctrl-C: the first one ends the work in order, a second one at once, and neither prints a traceback."""

import os
import signal
import sys
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from whyset.cli.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

LINE = "whyset: interrupted; repeat the command to continue"
_SHOW_CURSOR = b"\x1b[?25h"


@dataclass
class Interrupts:
    """Ctrl-C of a process; `ended` is set when its command is over and only the interpreter has to shut down."""

    count: int = 0
    told: bool = False
    ended: bool = False

    def install(self) -> None:
        """Handle Ctrl-C for the rest of this process, unless it is ignored, as in background jobs."""
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._take)
            sys.unraisablehook = self._take_unraisable

    def tell(self) -> int:
        """Report once that the command was interrupted, and return the exit code."""
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
        """End the process if the interrupt arrived in a finalizer or a callback, which cannot raise it."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._leave()
        sys.__unraisablehook__(unraisable)

    def _leave(self) -> None:
        """End the process now: commits are complete, and workers end with their parent."""
        if sys.stdout is not None and sys.stdout.isatty():
            os.write(1, _SHOW_CURSOR)  # hidden by a progress bar
        if not (self.told or self.ended):
            os.write(2, f"{LINE}\n".encode())
        os._exit(INTERRUPTED)
