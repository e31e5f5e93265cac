"""The browser part: the built files, looked up by name among those that exist."""

from pathlib import Path

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from whyset.viewer.pages import page

STATIC = Path(__file__).parents[1] / "static"
NOT_BUILT = (
    "The files of the browser part are missing from this installation. In a checkout, run `npm ci` and "
    "`npm run build` in web/; otherwise install whyset again. The API under ./api works without them."
)


def get_index(request: Request) -> Response:
    """The page that everything else is loaded from."""
    index: Path = request.app.state.static / "index.html"
    if not index.is_file():
        return page("The browser part is not built", NOT_BUILT, status=404)
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


def get_file(request: Request, name: str) -> Response:
    """A built file; names are compared with those that exist, so no path is made from a request."""
    static: Path = request.app.state.static
    files = {file.relative_to(static).as_posix(): file for file in static.rglob("*") if file.is_file()}
    if name not in files:
        raise HTTPException(404, "there is nothing at this address")
    return FileResponse(files[name], headers={"Cache-Control": "no-cache"})
