"""`whyset heatmaps`"""

from pathlib import Path
from typing import Annotated

import typer

from whyset.cli.options import RunFolder
from whyset.errors import InputError
from whyset.printable import echo

EXAMPLE = "whyset heatmaps runs/gamma heatmaps --with runs/epsilon --color-map bwr --limit 16 --side 224"


def heatmaps(
    run: RunFolder,
    folder: Annotated[Path, typer.Argument(help="Folder for the images.")],
    beside: Annotated[
        list[str] | None, typer.Option("--with", help="Another run of the same samples, shown next to it; repeatable.")
    ] = None,
    color_map: Annotated[
        list[str] | None,
        typer.Option(help="Color map: a name, or a definition such as 00f,80:fff,f00; repeatable.", show_default="bwr"),
    ] = None,
    index: Annotated[list[int] | None, typer.Option(help="Index of a sample to show; repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(help="Number of samples to show, spread evenly.", min=1)] = None,
    together: Annotated[bool, typer.Option(help="Use one scale for all heatmaps of a run.")] = False,
    side: Annotated[int | None, typer.Option(help="Pixels on the longer side of each heatmap.", min=1)] = None,
    columns: Annotated[int, typer.Option(help="Samples per montage; 0: no montages.", min=0)] = 8,
    montage: Annotated[str, typer.Option(help="Format of the montages: png, svg or pdf.")] = "png",
) -> None:
    """Write the heatmaps of a run: one image per sample, and montages with a row per run and color map."""
    import numpy as np

    from whyset.modality import MODALITIES
    from whyset.report import Heatmaps
    from whyset.report.heatmaps import describe_drawing
    from whyset.store import DONE, open_run

    if index and limit:
        raise InputError("--index and --limit exclude each other: use one of them")
    form = Heatmaps(tuple(color_map or ("bwr",)), together, side, columns, montage)
    runs = [open_run(path) for path in (run, *(beside or ()))]
    rows = index
    if limit:
        done = np.flatnonzero(runs[0].column("status") == DONE)
        rows = done[np.linspace(0, len(done) - 1, min(limit, len(done))).round().astype(int)].tolist()
    if MODALITIES[runs[0].modality].thumbnail != "plane":
        echo(describe_drawing(runs[0]))
    written = sum(1 for _ in form.write(runs, folder, rows))
    echo(f"{written:,} images in {folder}")
