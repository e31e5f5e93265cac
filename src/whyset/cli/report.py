"""`whyset report`"""

from typing import Annotated

import typer

from whyset.cli.options import RunFolder

EXAMPLE = "whyset report runs/mine"


def report(
    run: RunFolder,
    name: Annotated[str, typer.Option(help="Name of the analysis in the run.")] = "spray",
) -> None:
    """Rank the classes of an analysed run by how separable their strategies are."""
    import whyset

    raise NotImplementedError(whyset.open_run(run).analysis(name))
