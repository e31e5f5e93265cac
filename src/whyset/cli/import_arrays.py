"""`whyset import-arrays`"""

from pathlib import Path
from typing import Annotated, Any

import typer

from whyset.cli.flags import with_flags
from whyset.cli.options import preprocessing_fields
from whyset.cli.progress import choose_display
from whyset.command import command
from whyset.errors import InputError
from whyset.options.explain import ExplainOptions
from whyset.options.option import list_flags
from whyset.options.preprocessing import RANGE
from whyset.printable import echo

EXAMPLE = "whyset import-arrays maps.npz --inputs images.npy --out runs/given --method Grad-CAM"
_PLACE = "name of the array in FILE, or another file (or FILE:NAME)"


@with_flags((*list_flags(ExplainOptions, "features", "rate", "dtype"), *RANGE))
def import_arrays(
    file: Annotated[
        Path, typer.Argument(help="File of relevance maps: .npy, .npz, .h5 or a folder .zarr.", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option(help="Run folder to create.")],
    relevance: Annotated[
        str | None, typer.Option(help="Name of the array of relevance maps in FILE.", show_default="a usual name")
    ] = None,
    inputs: Annotated[str | None, typer.Option(help=f"Explained inputs: {_PLACE}.")] = None,
    labels: Annotated[str | None, typer.Option(help=f"Labels, as indices or names: {_PLACE}.")] = None,
    predictions: Annotated[str | None, typer.Option(help=f"Predicted classes: {_PLACE}.")] = None,
    confidence: Annotated[str | None, typer.Option(help=f"Probabilities of the predictions: {_PLACE}.")] = None,
    target: Annotated[
        str | None,
        typer.Option(help=f"Explained outputs: label, prediction, an index for all maps; or {_PLACE}."),
    ] = None,
    ids: Annotated[str | None, typer.Option(help=f"A different name for each sample: {_PLACE}.")] = None,
    class_names: Annotated[Path | None, typer.Option(help="JSON file with the names of the classes in order.")] = None,
    modality: Annotated[
        str | None,
        typer.Option(
            help="Modality: image, series, text, table or volume.", show_default="by the axes of maps and inputs"
        ),
    ] = None,
    method: Annotated[str, typer.Option(help="Name of the method that made the maps.")] = "given maps",
    model: Annotated[str, typer.Option(help="Name of the explained model.")] = "unknown model",
    **given: Any,
) -> None:
    """Make a run of relevance maps that were computed elsewhere; labels, inputs and others may be in the same file."""
    from whyset import runner
    from whyset.store.maps.array_file import find_arrays
    from whyset.store.maps.description import TARGETS

    fixed = target if target is None or target in TARGETS or target.isdecimal() else None
    places = {
        "relevance": relevance,
        "inputs": inputs,
        "labels": labels,
        "predictions": predictions,
        "confidence": confidence,
        "targets": target if fixed is None else None,
        "ids": ids,
    }
    shown = choose_display()
    with find_arrays(file, places) as found:
        shown.info("; ".join(f"{what} from {source}" for what, source in found.sources.items()))
        stated = preprocessing_fields(given)
        explained = found.arrays.get("targets") if fixed is None else int(fixed) if fixed.isdecimal() else fixed
        run = runner.from_arrays(
            found.arrays["relevance"],
            out=out,
            inputs=found.arrays.get("inputs"),
            labels=found.arrays.get("labels"),
            predictions=found.arrays.get("predictions"),
            confidence=found.arrays.get("confidence"),
            target=explained,
            class_names=found.names("class_names") if class_names is None else runner.Labels.read(class_names).names,
            ids=found.arrays.get("ids"),
            uris=found.arrays.get("uris"),
            modality=modality,
            features=found.names("features") if given["features"] is None else given["features"].split(","),
            rate=found.rate() if given["rate"] is None else given["rate"],
            tokens=found.tokens(),
            dtype=given["dtype"],
            preprocessing=runner.Preprocessing(**stated) if stated else None,
            method=method,
            model=model,
            dataset=str(file),
            progress=shown,
        )
    if len(run.failures) == len(run):
        raise InputError(f"none of the {len(run):,} relevance maps is finite: {run.failures[0].error}")
    echo(f"{out} is complete; next: {command('analyze', out)}, or {command('view', out)}")
