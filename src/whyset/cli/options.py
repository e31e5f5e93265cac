"""Options shared by several commands, and their parsers."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.errors import InputError

if TYPE_CHECKING:
    from whyset.engines import Engine

Model = Annotated[str, typer.Option(help="Model to explain: file.py:function, torchvision:NAME or timm:NAME.")]
Weights = Annotated[Path | None, typer.Option(help="Checkpoint with the state dict, read with weights_only=True.")]
RunFolder = Annotated[str, typer.Argument(help="Run folder, or URL such as s3://bucket/run.", metavar="RUN")]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="Where to run: serial (this process), local (worker processes on this machine), dask (a Dask cluster) or "
        "static (this process is one of several ranks started by Slurm or torchrun).",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Number of worker processes of engine local, or of each rank of engine static.", min=1),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Address of the scheduler of engine dask, such as tcp://HOST:8786.",
        show_default="DASK_SCHEDULER_ADDRESS",
    ),
]
StallTimeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Replace a worker of engine local that makes no progress for this long, and report a sample that takes "
        "this long to read; 0: never. Workers of engine dask are not watched.",
        min=0,
    ),
]
Seed = Annotated[int, typer.Option(help="Random seed.")]
OnUnknown = Annotated[str, typer.Option(help="Action at an operation without a rule: warn, raise or gradient.")]
Size = Annotated[
    str | None, typer.Option(help="Input size of the model: SIDE or HEIGHTxWIDTH, such as 224 or 224x320.")
]
Mean = Annotated[str | None, typer.Option(help="Mean of each channel in [0, 1], such as 0.485,0.456,0.406.")]
Std = Annotated[str | None, typer.Option(help="Standard deviation of each channel, such as 0.229,0.224,0.225.")]
Mode = Annotated[str | None, typer.Option(help="Color mode of the images: RGB or L (gray).")]


def preprocessing_fields(size: str | None, mean: str | None, std: str | None, mode: str | None) -> Mapping[str, Any]:
    """Return the fields of a Preprocessing that are given; a given size also removes `resize`."""
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
    """Parse numbers separated by commas."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option}: expected numbers separated by commas, got {text!r}") from None


def make_engine(name: str, workers: int | None, scheduler: str | None = None) -> "Engine":
    """Make the engine of this name with its workers and scheduler."""
    from whyset import engines

    if name not in engines.ENGINES:
        return engines.get_engine(name)  # raises, with the names of all engines
    if scheduler is not None and name != "dask":
        raise InputError(f"--scheduler applies to --engine dask only, got --engine {name}")
    if name == "dask" and workers is None:
        return engines.Dask(scheduler)
    if workers is None:
        return engines.get_engine(name)
    if name == "local":
        return engines.Local(workers)
    if name == "static":
        return engines.Static(inner=engines.Local(workers))
    raise InputError(f"--workers applies to --engine local and static only, got --engine {name}")
