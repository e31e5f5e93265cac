"""`whyset export-html`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whyset.cli.options import RunFolder
from whyset.errors import InputError
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.store import Run

EXAMPLE = "whyset export-html runs/mine horses.html --class horse"


def export_html(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(help="HTML file to write.", metavar="FILE.html")],
    analysis: Annotated[
        str | None, typer.Option(help="Name of the analysis.", show_default="the only one, or spray")
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", help="Name or id of a class to export; repeatable.", show_default="all"),
    ] = None,
    selection: Annotated[
        str | None, typer.Option(help="Name of a selection: export only its rows and the medoids of clusters.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="File with sample indices, one per line, instead of --selection.")
    ] = None,
    thumbnails: Annotated[int, typer.Option(help="Maximum pixels on the longer side of heatmaps and inputs.")] = 64,
    no_inputs: Annotated[
        bool, typer.Option("--no-inputs", help="Leave out the inputs, for a smaller file or private data.")
    ] = False,
    quality: Annotated[
        int, typer.Option(help="Quality of the inputs, 1 to 100 (lossless); heatmaps are lossless.")
    ] = 85,
    limit: Annotated[int, typer.Option(help="Maximum number of explanations.", min=1)] = 20_000,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.html if it exists.")] = False,
) -> None:
    """Write an analysis as one HTML file that opens offline, without Python and without a server."""
    import whyset

    opened = whyset.open_run(run)
    written = whyset.export_html(
        opened,
        file,
        analysis=analysis,
        categories=classes,
        rows=_rows(opened, selection, rows),
        thumbnails=thumbnails,
        inputs=not no_inputs,
        quality=quality,
        limit=limit,
        replace=force,
    )
    echo(f"written: {written} ({written.stat().st_size / 1e6:.1f} MB)")


def _rows(run: "Run", selection: str | None, file: Path | None) -> list[int] | None:
    if selection is not None and file is not None:
        raise InputError("--selection and --rows exclude each other: use one of them")
    if file is not None:
        return _read(file)
    return None if selection is None else _find_selection(run, selection)


def _read(file: Path) -> list[int]:
    from whyset.store.boundary import MOST_NOTES, read_regular

    try:
        rows = [int(line) for line in read_regular(file, MOST_NOTES).split()]
    except ValueError as error:
        raise InputError(f"{file}: expected whole numbers, one per line: {error}") from error
    if not rows:
        raise InputError(f"{file} is empty: expected sample indices, one per line")
    return rows


def _find_selection(run: "Run", name: str) -> list[int]:
    """Return the rows of the stored selection with this name or id."""
    from whyset.store.layout import SELECTIONS
    from whyset.store.selections import Selections

    kept = Selections(run.path / SELECTIONS, len(run)).all()
    found = [selection for selection in kept if name in (selection.id, selection.name)]
    if len(found) != 1:
        names = ", ".join(repr(selection.name) for selection in kept[:12])
        what = "more than one selection" if found else "no selection"
        raise InputError(f"{run.path} has {what} called {name!r}; stored selections: {names or 'none'}")
    return list(found[0].rows)
