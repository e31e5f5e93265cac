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
    project: Annotated[Path, typer.Argument(help="A ViRelAy project file.", metavar="PROJECT.yaml")],
    out: Annotated[Path, typer.Option(help="The run folder to make.")],
    link: Annotated[
        bool, typer.Option("--link", help="Leave the pictures where they are: the run names them and holds none.")
    ] = False,
    map_path: Annotated[
        list[str] | None, typer.Option(help="OLD=NEW: paths beginning with OLD begin with NEW here; may be repeated.")
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="float32 keeps maps as they are; float16 takes half the space.")
    ] = "float32",
) -> None:
    """Make a run of a ViRelAy project: its samples, attributions and analyses; every inconsistency is told at once."""
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
    echo(f"{out} is complete; go on with: {shown}, or {command('view', out)}")


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise InputError(f"--map-path takes OLD=NEW, not {text!r}")
    return old, new
