"""Options that several commands share, and how their text is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.errors import InputError

if TYPE_CHECKING:
    from whyset.engines import Engine

Model = Annotated[str, typer.Option(help="file.py:function, torchvision:NAME or timm:NAME.")]
Weights = Annotated[
    Path | None, typer.Option(help="Checkpoint with the state dict; it is read with weights_only=True.")
]
RunFolder = Annotated[
    str, typer.Argument(help="A run made by whyset explain: a folder, or a URL such as s3://bucket/run.", metavar="RUN")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="serial; local: worker processes on this machine; dask: a Dask cluster; static: this process is one of "
        "several ranks that Slurm or torchrun started.",
    ),
]
Workers = Annotated[int | None, typer.Option(help="Worker processes of the engine local, or of each rank.", min=1)]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Of the engine dask, such as tcp://HOST:8786; else DASK_SCHEDULER_ADDRESS."),
]
StallTimeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Replace a worker of the engine local that makes no progress for so long, and report a sample that takes "
        "so long to be read; 0: never. Workers of the engine dask are not watched.",
        min=0,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
OnUnknown = Annotated[str, typer.Option(help="At an operation without a rule: warn, raise or gradient.")]
Size = Annotated[str | None, typer.Option(help="The model's input: SIDE or HEIGHTxWIDTH, such as 224 or 224x320.")]
Mean = Annotated[str | None, typer.Option(help="Mean of each channel in [0, 1], such as 0.485,0.456,0.406.")]
Std = Annotated[str | None, typer.Option(help="Standard deviation of each channel, such as 0.229,0.224,0.225.")]
Mode = Annotated[str | None, typer.Option(help="Colors of the images: RGB or L (gray).")]


def preprocessing_fields(size: str | None, mean: str | None, std: str | None, mode: str | None) -> Mapping[str, Any]:
    """The fields of a Preprocessing that were given; a given size goes without what came before it."""
    given: dict[str, Any] = {}
    if size is not None:
        given.update(size=numbers("--size", size.replace("x", ","), int), resize=None)
    if mean is not None:
        given["mean"] = numbers("--mean", mean, float)
    if std is not None:
        given["std"] = numbers("--std", std, float)
    if mode is not None:
        given["mode"] = mode
    return given


def numbers(option: str, text: str, kind: type[int] | type[float]) -> tuple[Any, ...]:
    """Numbers separated by commas."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option} takes numbers separated by commas, not {text!r}") from None


def make_engine(name: str, workers: int | None, scheduler: str | None = None) -> "Engine":
    """The engine of that name, with so many workers where it has any, on that cluster."""
    from whyset import engines

    if name not in engines.ENGINES:
        return engines.get_engine(name)  # says which there are
    if scheduler is not None and name != "dask":
        raise InputError(f"--scheduler is for --engine dask; the engine {name} has none")
    if name == "dask" and workers is None:
        return engines.Dask(scheduler)
    if workers is None:
        return engines.get_engine(name)
    if name == "local":
        return engines.Local(workers)
    if name == "static":
        return engines.Static(inner=engines.Local(workers))
    raise InputError(f"--workers is for --engine local or static; the engine {name} has none to start")
