"""One HTML file that contains the viewer and its data, and may load nothing else."""

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from pathlib import Path

from whyset.errors import InputError
from whyset.printable import printable
from whyset.viewer.embed.archive import Archive
from whyset.viewer.endpoints.bundle import STATIC

BUNDLE = STATIC / "embed"


def page(archive: Archive, title: str, bundle: Path = BUNDLE) -> Iterator[str]:
    """Yield the file in pieces: a policy that allows this script and this style by hash, the viewer, and the data."""
    script, style = _inline(bundle / "standalone.js", "script"), _inline(bundle / "standalone.css", "style")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(printable(title, keep=''))}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<div id="app"></div>\n<noscript>This page needs JavaScript; it loads nothing from anywhere.</noscript>\n'
    )
    contents = archive.add_block(json.dumps(archive.contents(), ensure_ascii=False, allow_nan=False).encode())
    for number, block in enumerate(archive.blocks):
        name = "contents" if number == contents else number
        yield f'<script type="text/plain" data-block="{name}">{block}</script>\n'
    yield f'<script type="text/plain">{_inline(bundle / "standalone.licenses.txt", "script")}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _inline(file: Path, element: str) -> str:
    """Read a file of the bundle; text that would end the element or begin a comment is refused, not changed."""
    if not file.is_file():
        raise InputError(f"{file} is missing: install whyset again, or run `npm ci && npm run build` in web/")
    text = file.read_text("utf-8")
    for forbidden in (f"</{element}", "<!--"):
        if forbidden in text.lower():
            raise InputError(f"{file} cannot be put into a page, as it contains {forbidden}: build it again")
    return text


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
