"""Open the browser without showing the token to other users who list this computer's processes."""

import os
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from threading import Thread


@contextmanager
def show_in_browser(url: str) -> Iterator[None]:
    """Open the address through a private file, which is removed at the end.

    A browser is a program that is started with its address as an argument, and on a shared computer everyone can read
    the arguments of everyone's programs. So the argument is the name of a file that only its owner can read.
    """
    page = private_page(url)
    Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()
    try:
        yield
    finally:
        with suppress(OSError):
            page.unlink()


def private_page(url: str) -> Path:
    """Write a page that redirects to the address; `mkstemp` lets no one else read it."""
    descriptor, name = tempfile.mkstemp(prefix="whyset-", suffix=".html")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={escape(url)}"><title>whyset</title>'
            f'<p><a href="{escape(url)}">Open the viewer</a></p></html>'
        )
    return Path(name)
