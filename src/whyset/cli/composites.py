"""`whyset composites`"""

from typing import Annotated

import typer

from whyset.cli.lists import print_list
from whyset.cli.options import (
    Mean,
    Mode,
    OnUnknown,
    Size,
    Std,
    Weights,
    preprocessing_fields,
)
from whyset.errors import InputError
from whyset.printable import echo

EXAMPLE = "whyset composites --model torchvision:resnet50 --weights resnet.pt --composite epsilon_plus"


def composites(
    model: Annotated[
        str | None, typer.Option(help="Print the plan for this model: file.py:function, torchvision:NAME or timm:NAME.")
    ] = None,
    weights: Weights = None,
    composite: Annotated[str, typer.Option(help="Composite to apply; auto: as in whyset explain.")] = "auto",
    size: Size = None,
    mean: Mean = None,
    std: Std = None,
    mode: Mode = None,
    on_unknown: OnUnknown = "warn",
) -> None:
    """List the composites; with --model, print which rule each operation of the model gets, and why."""
    if model is None:
        return _print_list()
    import torch

    from whyset.runner import ModelSource, NamedComposite
    from whyset.runner.composites import AUTO
    from whyset.runner.default_composite import choose_composite

    loaded = ModelSource(model, weights, preprocessing_fields(size, mean, std, mode)).load()
    if loaded.preprocessing is None or loaded.preprocessing.size is None:
        raise InputError(f"{model} does not state its input size: add --size")
    example = torch.rand(1, loaded.preprocessing.channels, *loaded.preprocessing.size)
    if composite == AUTO:
        choice = choose_composite(loaded.module, example, "image")
        echo(choice)
        composite = choice.name
    chosen = NamedComposite(composite, on_unknown).make(loaded.preprocessing)
    if chosen is None:
        raise InputError("gradient has no plan: every operation propagates as in autograd")
    for line in str(chosen.plan(loaded.module, example)).splitlines():
        echo(line)
    return None


def _print_list() -> None:
    from inspect import getdoc

    from whyset.attribution.composites import COMPOSITES

    print_list(
        ("composite", "description"),
        (
            (name, (getdoc(composite) or "").split("\n\n")[0].replace("\n", " "))
            for name, composite in COMPOSITES.items()
        ),
    )
