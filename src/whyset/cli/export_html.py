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
    file: Annotated[Path, typer.Argument(help="The page to write.", metavar="FILE.html")],
    analysis: Annotated[
        str | None, typer.Option(help="Name of the analysis in the run.  [default: the only one, or spray]")
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", help="Name or id of a class; may be repeated. By default all are in it."),
    ] = None,
    selection: Annotated[
        str | None, typer.Option(help="Name of a kept selection: only its rows, and the medoids of clusters.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="File with sample indices, one on each line, instead of --selection.")
    ] = None,
    thumbnails: Annotated[int, typer.Option(help="Pixels on the longer side of maps and inputs, at most.")] = 64,
    no_inputs: Annotated[
        bool, typer.Option("--no-inputs", help="Leave the inputs out: smaller, and nobody's data.")
    ] = False,
    quality: Annotated[int, typer.Option(help="Of the inputs, 1 to 100 (exact). Maps are always exact.")] = 85,
    limit: Annotated[int, typer.Option(help="The most explanations in one page.", min=1)] = 20_000,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.html where it exists.")] = False,
) -> None:
    """Write an analysis as one HTML file that opens without Python, without a server and without a network."""
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
        raise InputError("--selection and --rows both name rows: give one of the two")
    if file is not None:
        return _read(file)
    return None if selection is None else _find_selection(run, selection)


def _read(file: Path) -> list[int]:
    from whyset.store.boundary import MOST_NOTES, read_regular

    try:
        rows = [int(line) for line in read_regular(file, MOST_NOTES).split()]
    except ValueError as error:
        raise InputError(f"{file} must hold whole numbers, one on each line: {error}") from error
    if not rows:
        raise InputError(f"{file} is empty: expected sample indices, one on each line")
    return rows


def _find_selection(run: "Run", name: str) -> list[int]:
    """The samples of the selection of this name or id that is kept beside the run."""
    from whyset.store.layout import SELECTIONS
    from whyset.store.selections import Selections

    kept = Selections(run.path / SELECTIONS, len(run)).all()
    found = [selection for selection in kept if name in (selection.id, selection.name)]
    if len(found) != 1:
        names = ", ".join(repr(selection.name) for selection in kept[:12])
        what = "more than one selection" if found else "no selection"
        raise InputError(f"{run.path} keeps {what} called {name!r}; it keeps {names or 'none'}")
    return list(found[0].rows)
