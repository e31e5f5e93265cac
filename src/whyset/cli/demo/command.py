"""`whyset demo`"""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the images, the model and the run.")] = Path("whyset-demo"),
    no_view: Annotated[
        bool, typer.Option("--no-view", help="Stop after the report without opening the viewer.")
    ] = False,
) -> None:
    """Plant a shortcut in handwritten digits, train a network, and find the shortcut; repeated, it reuses its files."""
    import whyset
    from whyset.cli.demo.folder import DemoFolder
    from whyset.cli.demo.recipe import Recipe
    from whyset.cli.demo.steps import findings
    from whyset.cli.demo.telling import lines
    from whyset.cli.progress import choose_display

    folder, recipe = DemoFolder(out), Recipe()
    for line in lines(findings(folder, recipe, choose_display()), recipe, folder):
        print(line)
    if not no_view:
        whyset.view(folder.run)
