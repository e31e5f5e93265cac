"""`whyset demo`"""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the images, the model and the runs.")] = Path("whyset-demo"),
    no_mark: Annotated[
        bool, typer.Option("--no-mark", help="Plant nothing, and see what the search finds then.")
    ] = False,
    no_view: Annotated[
        bool, typer.Option("--no-view", help="Stop after the report without opening the viewer.")
    ] = False,
) -> None:
    """Train a network that learns a shortcut, find it, confirm it, and fix the network; repeated, it continues."""
    import whyset
    from whyset.cli.demo.folder import DemoFolder
    from whyset.cli.demo.program import run_demo
    from whyset.cli.demo.recipe import Recipe
    from whyset.cli.progress import choose_display
    from whyset.printable import echo

    folder, recipe = DemoFolder(out), Recipe(planted_share=0.0) if no_mark else Recipe()
    story, text = run_demo(folder, recipe, choose_display())
    for line in text:
        echo(line)
    if not no_view:
        whyset.view(*([folder.run] if story.fixed_run is None else [folder.run, folder.fixed]))
