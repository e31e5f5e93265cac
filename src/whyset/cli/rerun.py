"""`whyset rerun`"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.cli.explain import report_completion
from whyset.cli.flags import with_flags
from whyset.cli.options import RunFolder, make_engine
from whyset.cli.progress import choose_display
from whyset.options.explain import ExplainOptions
from whyset.options.option import list_flags
from whyset.printable import printable

if TYPE_CHECKING:
    from whyset.runner.consent import ModelCode, Trust


EXAMPLE = "whyset rerun runs/cifar --out runs/cifar-again"


@with_flags(list_flags(ExplainOptions, "device", "engine", "workers", "scheduler", "stall_timeout"))
def rerun(
    run: RunFolder,
    out: Annotated[str | None, typer.Option(help="Run to create.", show_default="continue RUN")] = None,
    data: Annotated[str | None, typer.Option(help="New location of the data, if it was moved.")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Execute the model file of a run that was not made on this machine.")
    ] = False,
    **given: Any,
) -> int:
    """Repeat a run with the configuration in its run.json, or continue it."""
    from whyset import runner

    chosen = make_engine(given)
    repeated = runner.rerun(
        run,
        out,
        data=data,
        engine=chosen,
        device=given["device"],
        stall_timeout=given["stall_timeout"],
        trust=choose_trust(trust),
        progress=choose_display(),
    )
    return report_completion(repeated, chosen.share)


def choose_trust(given: bool = False) -> "Trust":
    """Return the permission to execute a model file of another user: given, or asked for if a user can answer."""
    return given or (ask_to_execute if is_interactive() else False)


def is_interactive() -> bool:
    """True if a user can see a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_to_execute(code: "ModelCode") -> bool:
    """Ask whether the model file of another user's run may be executed; any answer but yes means no."""
    print("This run was not made by you on this machine. Repeating it executes the file", file=sys.stderr)
    print(f"  {printable(str(code.path), keep='')}", file=sys.stderr)
    print(f"  SHA-256 {code.sha256}", file=sys.stderr)
    return typer.confirm("Have you read it, and do you trust it?", default=False, err=True)
