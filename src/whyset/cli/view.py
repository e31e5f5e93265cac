"""`whyset view`"""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "whyset view runs/mine"


def view(
    runs: Annotated[
        list[str],
        typer.Argument(help="Run folders, URLs such as s3://bucket/run, or a file that Share saved.", metavar="RUN..."),
    ],
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address and open no browser.")] = False,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A name under which a proxy reaches the viewer; may be repeated.")
    ] = None,
    root_path: Annotated[str, typer.Option(help="Path below which a proxy serves the viewer.")] = "",
    selections: Annotated[
        Path | None, typer.Option(help="Folder for selections, where runs are read-only.  [default: beside each run]")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="Private file with the token, made where it is missing.  [default: a fresh token each time]"),
    ] = None,
) -> None:
    """Open runs in the browser; the viewer runs until Ctrl-C.

    A state file that the viewer's Share saved opens the runs that it names and shows what was seen; a bookmark that
    ViRelAy exported is opened together with its run: `whyset view RUN BOOKMARK.json`.
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
