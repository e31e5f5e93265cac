"""`whyset analyze`"""

from typing import Annotated, Any

import typer

from whyset.cli.display import display
from whyset.cli.options import EngineName, RunFolder, Seed, Workers, engine_of

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
    analysis = whyset.analyze(run, spray, engine=engine_of(engine, workers), progress=display())
    problems = [f"{category.name}: {category.problem}" for category in analysis.categories if category.problem]
    for problem in problems:
        print(problem)
    print(f"go on with: whyset report {run}, or whyset view {run}")
    return PARTLY_DONE if problems else 0
