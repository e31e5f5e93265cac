"""The built files of the browser part, looked up by name among the existing files."""

from pathlib import Path

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from whyset.viewer.columns import IMMUTABLE, REVALIDATE
from whyset.viewer.pages import page

STATIC = Path(__file__).parents[1] / "static"
HASHED = "assets/"
"""Folder in which the build puts files with a hash of their content in their names."""
NOT_BUILT = (
    "The files of the browser part are missing from this installation. In a checkout, run `npm ci` and "
    "`npm run build` in web/; otherwise install whyset again. The API under ./api works without them."
)


TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
"""Media types by suffix; the machine's own table may be wrong, and browsers may not guess ("nosniff")."""


def get_index(request: Request) -> Response:
    """Get the page that loads everything else."""
    index: Path = request.app.state.static / "index.html"
    if not index.is_file():
        return page("The browser part is not built", NOT_BUILT, status=404)
    return _send(index)


def get_file(request: Request, name: str) -> Response:
    """Get a built file; its name is compared with the existing names, so no path is made from a request."""
    static: Path = request.app.state.static
    files = {file.relative_to(static).as_posix(): file for file in static.rglob("*") if file.is_file()}
    if name not in files:
        raise HTTPException(404, "nothing found at this address")
    return _send(files[name], IMMUTABLE if name.startswith(HASHED) else REVALIDATE)


def _send(file: Path, caching: str = REVALIDATE) -> Response:
    media_type = TYPES.get(file.suffix, "application/octet-stream")
    return Response(file.read_bytes(), media_type=media_type, headers={"Cache-Control": caching})
