"""`whyset composites`"""

from typing import Annotated, Any

import typer

from whyset.cli.flags import with_flags
from whyset.cli.lists import print_list
from whyset.cli.options import preprocessing_fields
from whyset.errors import InputError
from whyset.options.explain import ExplainOptions
from whyset.options.option import list_flags
from whyset.options.preprocessing import PREPROCESSING
from whyset.printable import echo

EXAMPLE = "whyset composites --model torchvision:resnet50 --weights resnet.pt --composite epsilon_plus"


@with_flags((*list_flags(ExplainOptions, "weights", "on_unknown"), *PREPROCESSING))
def composites(
    model: Annotated[
        str | None, typer.Option(help="Print the plan for this model: file.py:function, torchvision:NAME or timm:NAME.")
    ] = None,
    composite: Annotated[str, typer.Option(help="Composite to apply; auto: as in whyset explain.")] = "auto",
    **given: Any,
) -> None:
    """List the composites; with --model, print which rule each operation of the model gets, and why."""
    if model is None:
        return _print_list()
    import torch

    from whyset.runner import ModelSource, NamedComposite
    from whyset.runner.composites import AUTO
    from whyset.runner.default_composite import choose_composite

    loaded = ModelSource(model, given["weights"], preprocessing_fields(given)).load()
    if loaded.preprocessing is None or loaded.preprocessing.size is None:
        raise InputError(f"{model} does not state its input size: add --size")
    example = torch.rand(1, loaded.preprocessing.channels, *loaded.preprocessing.size)
    if composite == AUTO:
        choice = choose_composite(loaded.module, example, "image")
        echo(choice)
        composite = choice.name
    chosen = NamedComposite(composite, given["on_unknown"]).make(loaded.preprocessing)
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
