"""The program: its commands, and the handling of their errors."""

import logging
import os
import platform
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated

import typer

import whyset
from whyset.cli.exit_codes import DONE, INTERRUPTED, PARTLY_DONE, WRONG_INPUT
from whyset.cli.interrupts import Interrupts
from whyset.errors import EngineLostError, JobStoppedError, MissingPreprocessingError, WhysetError
from whyset.optional import version_or_none
from whyset.printable import printable

COMMANDS = (
    "demo",
    "explain",
    "rerun",
    "analyze",
    "test-effects",
    "find",
    "fix",
    "evaluate",
    "tune",
    "view",
    "report",
    "heatmaps",
    "export-html",
    "verify",
    "import-arrays",
    "import-virelay",
    "export-virelay",
    "rules",
    "composites",
    "methods",
)
LOGGER = logging.getLogger("whyset")
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""Click's base class of usage errors; newer versions of typer carry their own copy of click."""


def run(argv: Sequence[str] | None, interrupts: Interrupts | None = None) -> int:
    """Run the program; expected errors are printed as one line on stderr."""
    interrupts = interrupts or Interrupts()
    arguments = list(sys.argv[1:] if argv is None else argv)
    with log_to_stderr(), _log_warnings():
        return _run(arguments, interrupts)


def _run(arguments: Sequence[str], interrupts: Interrupts) -> int:
    started = time.monotonic()
    try:
        code = program()(arguments, prog_name="whyset", standalone_mode=False) or DONE
        return interrupts.tell() if code == INTERRUPTED else code  # typer turns Ctrl-C into 130
    except BaseException as error:
        if interrupts.count or isinstance(
            error, KeyboardInterrupt | typer.Abort
        ):  # some imports raise another exception instead
            return interrupts.tell()
        return _outcome(error, arguments)
    finally:
        LOGGER.debug("finished after %.3f s", time.monotonic() - started)


def _outcome(error: BaseException, arguments: Sequence[str]) -> int:
    """Return the exit code of a command that ended with this error; errors raised on purpose are printed as a line."""
    match error:
        case UsageError():
            command = next((name for name in arguments if name in COMMANDS), "")
            message = error.format_message()  # type: ignore[attr-defined]  # click's own, see UsageError
            return _fail(f"{message} (see {' '.join(['whyset', *filter(None, [command])])} --help)", WRONG_INPUT)
        case BrokenPipeError():
            sys.stderr.close()  # no reader is left: print nothing more, not even at exit
            return DONE
        case EngineLostError() | JobStoppedError():
            return _fail(str(error), PARTLY_DONE)
        case MissingPreprocessingError():
            options = "--size, --mean and --std (--mode L for gray images), or PREPROCESSING in the model file"
            return _fail(f"{error.images} have no preprocessing: add {options}", WRONG_INPUT)
        case WhysetError() | OSError():
            return _fail(str(error), WRONG_INPUT)
        case SystemExit() if isinstance(error.__context__, BrokenPipeError):  # typer caught it
            sys.stderr.close()
            return DONE
        case SystemExit() if set(arguments) & set(COMMANDS):  # without a command, typer ends completion this way
            return _fail(f"the code of the model called sys.exit({error.code!r}): remove this call", WRONG_INPUT)
    raise error


def program() -> typer.Typer:
    """The program with all its commands."""
    app = typer.Typer(help=whyset.__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_options)
    for name in COMMANDS:
        own = name.replace("-", "_")
        module = import_module(f"whyset.cli.{own}")
        app.command(name, epilog=f"Example: {getattr(module, 'EXAMPLE', f'whyset {name}')}")(getattr(module, own))
    return app


def _version(requested: bool) -> None:
    if requested:
        print(whyset.__version__)
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Log versions, paths and stage durations, and show tracebacks."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only results and errors.")] = False,
) -> None:
    """Apply the options of the program itself."""
    if verbose and quiet:
        raise typer.BadParameter("--verbose and --quiet exclude each other")
    if quiet:
        LOGGER.setLevel(logging.ERROR)
    if verbose:
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.debug("whyset %s in %s", whyset.__version__, os.path.dirname(whyset.__file__))  # noqa: PTH120
        LOGGER.debug("Python %s at %s on %s", platform.python_version(), sys.executable, platform.platform())
        LOGGER.debug("working directory %s", os.getcwd())  # noqa: PTH109
        for name in ("torch", "numpy", "scipy", "scikit-learn", "zarr"):
            LOGGER.debug("%s %s", name, version_or_none(name))


class _PrintableFormatter(logging.Formatter):
    """Remove control characters from log messages and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Send log messages of `whyset` to stderr, by default warnings and errors; restore the logger afterwards.

    Only the program configures handlers, the library never does.
    """
    handler, level = logging.StreamHandler(), LOGGER.level
    handler.setFormatter(_PrintableFormatter("whyset: %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


@contextmanager
def _log_warnings() -> Iterator[None]:
    """Log each warning once, without its location in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("once", UserWarning)
        warnings.showwarning = lambda message, *_: LOGGER.warning("warning: %s", " ".join(str(message).split()))
        yield


def _fail(message: str, code: int) -> int:
    """Print one line on stderr, after the traceback if debugging is on, and return the exit code."""
    if os.environ.get("WHYSET_DEBUG") or LOGGER.isEnabledFor(logging.DEBUG):
        print(printable(traceback.format_exc()), file=sys.stderr, end="")
    print("whyset:", printable(" ".join(message.split())), file=sys.stderr)
    return code
