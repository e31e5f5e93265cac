"""`whyset export-virelay`"""

from pathlib import Path
from typing import Annotated

import typer

from whyset.cli.options import RunFolder
from whyset.cli.progress import choose_display
from whyset.printable import echo

EXAMPLE = "whyset export-virelay runs/mine --out for-virelay"


def export_virelay(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="Folder to create.")],
    name: Annotated[list[str] | None, typer.Option(help="Analysis to export; repeatable.", show_default="all")] = None,
    link_images: Annotated[
        bool, typer.Option("--link-images", help="Link the image files instead of copying the stored inputs.")
    ] = False,
) -> None:
    """Export a run as a ViRelAy project: data set, attributions, analyses, label map and project file."""
    import whyset
    from whyset.store.virelay import export_project

    project = export_project(whyset.open_run(run), out, analyses=name, images=link_images, telling=choose_display())
    echo(f"open it with: virelay {project}")
