"""`whyset view`"""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "whyset view runs/mine"


def view(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Run folders, URLs such as s3://bucket/run, or a state file saved by Share.", metavar="RUN..."
        ),
    ],
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free port.", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address instead of opening a browser.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="Host name under which a proxy reaches the viewer; repeatable.")
    ] = None,
    root_path: Annotated[str, typer.Option(help="Path under which a proxy serves the viewer.")] = "",
    selections: Annotated[
        Path | None,
        typer.Option(help="Folder for selections, if runs are read-only.", show_default="inside each run"),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="Private file with the access token, created if missing.", show_default="a new token each time"
        ),
    ] = None,
) -> None:
    """Open runs in the browser; the viewer runs until Ctrl-C.

    A state file saved by Share in the viewer opens its runs in the saved state.
    A bookmark exported from ViRelAy is opened together with its run: `whyset view RUN BOOKMARK.json`.
    """
    import whyset

    whyset.view(
        *runs,
        port=port,
        host=host,
        open_browser=not no_browser,
        allowed_hosts=allowed_host or (),
        root_path=root_path,
        selections=selections,
        token_file=token_file,
    )
