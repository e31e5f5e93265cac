"""`whyset analyze`"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.find import format_findings
from whyset.cli.flags import with_flags
from whyset.cli.options import RunFolder, make_engine
from whyset.cli.progress import choose_display
from whyset.cli.rerun import choose_trust
from whyset.command import command
from whyset.errors import InputError, WhysetError
from whyset.options.engine import ENGINE
from whyset.options.option import list_flags, list_options
from whyset.options.spray import SprayOptions
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.analysis import Spray

EXAMPLE = (
    "whyset analyze runs/mine --array concept/layer3 --clustering kmeans --clustering agglomerative --embedding pca"
)


@with_flags((*list_flags(SprayOptions), *ENGINE))
def analyze(
    run: RunFolder,
    view: Annotated[
        list[str] | None,
        typer.Option(
            help="View to analyze: maps, spectrum, channels[:LAYER] or activations[:LAYER]; repeatable.",
            show_default="all that the run has",
        ),
    ] = None,
    memo: Annotated[Path | None, typer.Option(help="Folder that caches the results of steps.")] = None,
    find: Annotated[bool, typer.Option(help="Search for findings, too, if the model of the run may be loaded.")] = True,
    budget: Annotated[float, typer.Option(help="Time of the search as a multiple of that of explain.", min=0.0)] = 1.0,
    **given: Any,
) -> int:
    """Find the strategies of every class by spectral relevance analysis (SpRAy), and confirm them by experiments.

    Finished classes are kept.
    """
    import whyset

    try:
        whyset.analyze(
            run, read_spray(given), views=view or None, engine=make_engine(given), progress=choose_display(), memo=memo
        )
        for line in search(run, budget, given) if find else ():
            echo(line)
    except WhysetError as error:
        if type(error) is not WhysetError:  # wrong input has its own subclasses
            raise
        echo(error)
        return PARTLY_DONE
    echo(f"next: {command('report', run)}, or {command('view', run)}")
    return 0


def search(run: str, budget: float, given: Mapping[str, Any]) -> Iterator[str]:
    """Search for findings within the budget, and yield them in plain words."""
    import whyset

    try:
        findings = whyset.find(
            run,
            whyset.EffectTest(budget=budget),
            engine=make_engine(given),
            trust=choose_trust(),
            progress=choose_display(),
        )
    except InputError as error:  # such as a model that has changed since; the analysis is finished all the same
        yield f"no findings were confirmed: {error}"
        return
    yield from format_findings(findings)


def read_spray(given: Mapping[str, Any]) -> "Spray":
    """Return the configuration of the analysis for the options of the command line."""
    from whyset.analysis import Spray, registry

    found = {each.name: given[flag.key] for each in list_options(SprayOptions) for flag in each.flags}
    return Spray(**{name: registry.parse(name, value) for name, value in found.items() if value is not None})
