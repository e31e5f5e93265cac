"""What several commands make of the values of their options."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.errors import InputError

if TYPE_CHECKING:
    from whyset.engines import Engine

RunFolder = Annotated[str, typer.Argument(help="Run folder, or URL such as s3://bucket/run.", metavar="RUN")]


def preprocessing_fields(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a Preprocessing that options state; a size also removes `resize`."""
    found: dict[str, Any] = {}
    if given.get("size") is not None:
        found.update(size=numbers("--size", given["size"].replace("x", ","), int), resize=None)
    for name in ("mean", "std"):
        if given[name] is not None:
            found[name] = numbers(f"--{name}", given[name], float)
    if given["mode"] is not None:
        found["mode"] = given["mode"]
    if given.get("ignore_exif_orientation"):
        found["exif_orientation"] = False
    return found


def numbers(option: str, text: str, kind: type[int] | type[float]) -> tuple[Any, ...]:
    """Parse numbers separated by commas."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option}: expected numbers separated by commas, got {text!r}") from None


def make_engine(given: Mapping[str, Any]) -> "Engine":
    """Make the engine that options state, with its workers and scheduler."""
    from whyset import engines

    name, workers, scheduler = given["engine"], given["workers"], given["scheduler"]
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
