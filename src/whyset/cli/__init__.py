"""The command line: one file per command; heavy imports wait until a command runs."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `whyset` with these arguments (those of the process by default) and return the exit code.

    0: done; 2: wrong input, reported in one line with what to do; 3: partly done; 130: interrupted.
    """
    from whyset.cli.interrupts import Interrupts

    interrupts = Interrupts()
    try:
        if argv is None:  # the process is the program, and so is its Ctrl-C
            interrupts.install()
        from whyset.cli.app import run

        return run(argv, interrupts)
    except KeyboardInterrupt:
        return interrupts.tell()
    finally:
        interrupts.ended = True
