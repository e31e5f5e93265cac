"""`whyset find`"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.flags import with_flags
from whyset.cli.options import RunFolder, make_engine
from whyset.cli.progress import choose_display
from whyset.cli.rerun import choose_trust
from whyset.command import command
from whyset.errors import WhysetError
from whyset.options.effects import EffectOptions
from whyset.options.engine import ENGINE
from whyset.options.explain import DEVICE
from whyset.options.option import list_flags
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.effects import EffectTest
    from whyset.store.findings import Findings

EXAMPLE = "whyset find runs/mine --budget 5"
_SHOWN = 10


@with_flags((*list_flags(EffectOptions), *ENGINE))
def find(
    run: RunFolder,
    data: Annotated[str | None, typer.Option(help="New location of the data, if it was moved.")] = None,
    device: Annotated[str | None, typer.Option(help=DEVICE.help, show_default="that of the run")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Execute the model file of a run that was not made on this machine.")
    ] = False,
    **given: Any,
) -> int:
    """Find what decides predictions though it should not: evidence of few samples that other classes lack."""
    import whyset

    try:
        findings = whyset.find(
            run,
            read_test(given),
            data=data,
            device=device,
            engine=make_engine(given),
            trust=choose_trust(trust),
            progress=choose_display(),
        )
    except WhysetError as error:
        if type(error) is not WhysetError:  # wrong input has its own subclasses
            raise
        echo(error)
        return PARTLY_DONE
    for line in format_findings(findings):
        echo(line)
    if findings.problem is None:
        echo(f"next: {command('report', run)}, or {command('view', run)}")
    return 0


def read_test(given: Mapping[str, Any]) -> "EffectTest":
    """Return the test of effects for the options of the command line."""
    from whyset.effects import EffectTest

    options = {each.key: given[each.key] for each in list_flags(EffectOptions)}
    interventions = options.pop("intervention")
    return EffectTest(interventions=tuple(interventions) if interventions else None, **options)


def format_findings(findings: "Findings") -> Iterator[str]:
    """Yield the suspicions and the first strategies in plain words, or the reason why nothing was searched."""
    from whyset.report.budget import list_limits

    if findings.problem is not None:
        yield f"no findings were confirmed: {findings.problem}"
        yield from (f"  {rank}. {one.sentence}" for rank, one in enumerate(findings, 1))
        return
    suspicions = [one for one in findings if one.kind == "suspicion"]
    others = [one for one in findings if one.kind != "suspicion"]
    classes = f"{findings.n_searched:,} {'class' if findings.n_searched == 1 else 'classes'}"
    yield f"{len(suspicions)} suspicious {'finding' if len(suspicions) == 1 else 'findings'} in {classes}"
    yield from (f"  {rank}. {one.sentence} [{one.id}]" for rank, one in enumerate(suspicions, 1))
    if others:
        yield f"{len(others)} other {'strategy' if len(others) == 1 else 'strategies'}"
        yield from (f"  - {one.sentence} [{one.id}]" for one in others[:_SHOWN])
        if len(others) > _SHOWN:
            yield f"  ... and {len(others) - _SHOWN} more in the report"
    yield from (f"{key} was not searched: {reason}" for key, reason in findings.not_searched.items())
    yield from list_limits(findings)
