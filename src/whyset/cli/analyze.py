"""`whyset analyze`"""

from typing import Annotated, Any

import typer

from whyset.cli.display import display
from whyset.cli.options import EngineName, RunFolder, Seed, Workers, engine_of
from whyset.errors import WhysetError

EXAMPLE = "whyset analyze runs/mine --neighbours 10"
PARTLY_DONE = 3


def analyze(
    run: RunFolder,
    name: Annotated[str, typer.Option(help="Name of the analysis in the run.")] = "spray",
    engine: EngineName = "serial",
    workers: Workers = None,
    pooling: Annotated[int | None, typer.Option(help="Longer side of a pooled map.", min=1)] = None,
    neighbours: Annotated[int | None, typer.Option(help="Nearest neighbours in the graph.", min=1)] = None,
    surrogates: Annotated[int | None, typer.Option(help="Surrogates for the p-values.", min=0)] = None,
    seed: Seed = 0,
) -> int:
    """Find the strategies of every class: spectral relevance analysis (SpRAy); finished classes are kept."""
    import whyset

    given: dict[str, Any] = {"pooling": pooling, "neighbours": neighbours, "surrogates": surrogates}
    spray = whyset.Spray(name=name, seed=seed, **{key: value for key, value in given.items() if value is not None})
    try:
        whyset.analyze(run, spray, engine=engine_of(engine, workers), progress=display())
    except WhysetError as error:
        if type(error) is not WhysetError:  # what is wrong with the input has a class of its own
            raise
        print(error)
        return PARTLY_DONE
    print(f"go on with: whyset report {run}, or whyset view {run}")
    return 0
