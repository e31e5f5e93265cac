"""`whyset rerun`"""

from typing import Annotated

import typer

from whyset.cli.asking import ask_to_execute, is_interactive
from whyset.cli.explain import report_completion
from whyset.cli.options import EngineName, RunFolder, Scheduler, StallTimeout, Workers, make_engine
from whyset.cli.progress import choose_display

EXAMPLE = "whyset rerun runs/cifar --out runs/cifar-again"


def rerun(
    run: RunFolder,
    out: Annotated[str | None, typer.Option(help="The new run; without it, RUN itself is continued.")] = None,
    data: Annotated[str | None, typer.Option(help="Where the data is now, if it was moved.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1 ...; by default cuda where there is one.")
    ] = None,
    engine: EngineName = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    stall_timeout: StallTimeout = 600.0,
    trust: Annotated[
        bool, typer.Option("--trust", help="Execute the model file of a run that was not made on this machine.")
    ] = False,
) -> int:
    """Repeat a run as its run.json describes it, or continue it; everything that determines the result is kept."""
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
