"""`whyset rerun`"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from whyset.cli.explain import report_completion
from whyset.cli.options import EngineName, RunFolder, Scheduler, StallTimeout, Workers, make_engine
from whyset.cli.progress import choose_display
from whyset.printable import printable

if TYPE_CHECKING:
    from whyset.runner.consent import ModelCode


EXAMPLE = "whyset rerun runs/cifar --out runs/cifar-again"


def rerun(
    run: RunFolder,
    out: Annotated[str | None, typer.Option(help="Run to create.", show_default="continue RUN")] = None,
    data: Annotated[str | None, typer.Option(help="New location of the data, if it was moved.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Device, such as cpu, cuda or cuda:1.", show_default="cuda if available")
    ] = None,
    engine: EngineName = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    stall_timeout: StallTimeout = 600.0,
    trust: Annotated[
        bool, typer.Option("--trust", help="Execute the model file of a run that was not made on this machine.")
    ] = False,
) -> int:
    """Repeat a run with the configuration in its run.json, or continue it."""
    from whyset import runner

    chosen = make_engine(engine, workers, scheduler)
    repeated = runner.rerun(
        run,
        out,
        data=data,
        engine=chosen,
        device=device,
        stall_timeout=stall_timeout,
        trust=trust or (ask_to_execute if is_interactive() else False),
        progress=choose_display(),
    )
    return report_completion(repeated, chosen.share)


def is_interactive() -> bool:
    """True if a user can see a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_to_execute(code: "ModelCode") -> bool:
    """Ask whether the model file of another user's run may be executed; any answer but yes means no."""
    print("This run was not made by you on this machine. Repeating it executes the file", file=sys.stderr)
    print(f"  {printable(str(code.path), keep='')}", file=sys.stderr)
    print(f"  SHA-256 {code.sha256}", file=sys.stderr)
    return typer.confirm("Have you read it, and do you trust it?", default=False, err=True)
