"""`whyset explain`"""

from pathlib import Path
from typing import Annotated

import typer

from whyset.cli.display import display
from whyset.cli.options import (
    EngineName,
    Mean,
    Mode,
    Model,
    OnUnknown,
    Seed,
    Size,
    Std,
    Weights,
    Workers,
    engine_of,
    preprocessing_fields,
)
from whyset.errors import InputError

EXAMPLE = "whyset explain --model net.py:resnet --weights net.pt --data images --out runs/mine"
PARTLY_DONE = 3


def explain(
    model: Model,
    data: Annotated[Path, typer.Option(help="Images as <class>/<image>, or a flat folder without labels.")],
    out: Annotated[str, typer.Option(help="The run: a folder or a URL; made, or continued if it is the same run.")],
    weights: Weights = None,
    composite: Annotated[
        str, typer.Option(help="Rules to explain by, see whyset composites; gradient: no rule.")
    ] = "epsilon_plus_flat",
    target: Annotated[
        str, typer.Option(help="What is explained: label, prediction or the index of an output.")
    ] = "label",
    labels: Annotated[Path | None, typer.Option(help="JSON with the names of the model's outputs.")] = None,
    size: Size = None,
    mean: Mean = None,
    std: Std = None,
    mode: Mode = None,
    batch_size: Annotated[int, typer.Option(help="Samples per batch.", min=1)] = 32,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1 ...; by default cuda where there is one.")
    ] = None,
    engine: EngineName = "serial",
    workers: Workers = None,
    limit: Annotated[int | None, typer.Option(help="Take so many samples, spread evenly.", min=1)] = None,
    no_inputs: Annotated[bool, typer.Option("--no-inputs", help="Do not keep the images beside the maps.")] = False,
    seed: Seed = 0,
    on_unknown: OnUnknown = "warn",
) -> int:
    """Explain every prediction of a model over a folder of images; done again, it continues where it stopped."""
    if not data.is_dir():
        raise InputError(f"data folder {data} {'is a file' if data.exists() else 'does not exist'}")
    from whyset.runner import Labels, ModelSource, NamedComposite
    from whyset.runner import explain as explained

    source = ModelSource(model, weights, preprocessing_fields(size, mean, std, mode))
    names = None if labels is None else Labels.read(labels)
    run = explained(
        source,
        data,
        out,
        composite=NamedComposite(composite, on_unknown),
        engine=engine_of(engine, workers),
        target=target,
        class_names=names,
        batch_size=batch_size,
        device=device,
        inputs=not no_inputs,
        seed=seed,
        limit=limit,
        progress=display(),
    )
    missing = int((~run.committed).sum())
    if missing:
        print(f"{missing:,} of {len(run):,} samples are missing; the same command again tries them again")
        return PARTLY_DONE
    print(f"{out} is complete; go on with: whyset analyze {out}")
    return 0
