"""`whyset import-virelay`"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from whyset.cli.progress import choose_display
from whyset.command import command
from whyset.errors import InputError
from whyset.printable import echo, printable

EXAMPLE = "whyset import-virelay project.yaml --out runs/imported"


def import_virelay(
    project: Annotated[Path, typer.Argument(help="ViRelAy project file.", metavar="PROJECT.yaml")],
    out: Annotated[Path, typer.Option(help="Run folder to create.")],
    link: Annotated[
        bool, typer.Option("--link", help="Refer to the image files instead of copying them into the run.")
    ] = False,
    map_path: Annotated[
        list[str] | None, typer.Option(help="OLD=NEW: replace OLD at the start of paths by NEW; repeatable.")
    ] = None,
    dtype: Annotated[
        str,
        typer.Option(help="Data type of the stored relevance maps: float32 (unchanged) or float16 (half the size)."),
    ] = "float32",
) -> None:
    """Import the samples, attributions and analyses of a ViRelAy project as a run; all inconsistencies are reported."""
    from whyset.analysis.virelay_import import describe_imported_category
    from whyset.store.virelay import DamagedProjectError, ImportSettings, import_project

    settings = ImportSettings(link, tuple(_pair(text) for text in map_path or ()), dtype)
    try:
        run = import_project(
            project,
            out,
            describe_imported_category,
            settings,
            warn=lambda finding: print(printable(f"whyset: warning: {finding}", keep=""), file=sys.stderr),
            telling=choose_display(),
        )
    except DamagedProjectError as error:
        for finding in error.findings:
            print(printable(str(finding), keep=""), file=sys.stderr)
        raise InputError(error.summary) from error
    shown = command("report", out, name=run.analyses[0]) if run.analyses else command("analyze", out)
    echo(f"{out} is complete; next: {shown}, or {command('view', out)}")


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise InputError(f"--map-path: expected OLD=NEW, got {text!r}")
    return old, new
