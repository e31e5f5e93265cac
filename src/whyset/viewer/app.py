"""The viewer's web application. It only reads results; it writes selections and names of clusters."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware

from whyset.store.remote import AnyPath, as_path
from whyset.version import __version__
from whyset.viewer.endpoints.bundle import STATIC, get_file, get_index
from whyset.viewer.errors import add_error_handlers
from whyset.viewer.limits import BodyLimit
from whyset.viewer.plain_json import PlainJSONResponse
from whyset.viewer.routes import api_router
from whyset.viewer.run_registry import RunRegistry
from whyset.viewer.security import Access, Guard, SecurityHeaders
from whyset.viewer.state_files import Document


def create_app(
    runs: Sequence[AnyPath | str] | RunRegistry,
    *,
    token: str,
    allowed_hosts: Sequence[str] = (),
    root_path: str = "",
    selections: Path | None = None,
    document: Document | None = None,
    static: Path = STATIC,
) -> FastAPI:
    """Create the application over run folders; it answers only requests with `token` and for a known host.

    A run that cannot be read is listed with its problem.

    Parameters
    ----------
    runs : sequence of str or path, or RunRegistry
        The folders or URLs of the runs.
    token : str
        The token that opens the viewer: letters, digits, "-" and "_".
    allowed_hosts : sequence of str, default ()
        Names besides loopback under which the server is reached, without scheme, port or path.
    root_path : str, default ""
        Path below which a proxy serves the viewer, such as "/viewer".
    selections : Path, optional
        A folder for selections and names of clusters; by default they are stored next to each run.
    document : StateFile or Bookmark, optional
        A state file or a bookmark of ViRelAy that the page shows first.
    static : Path, default STATIC
        The folder of the built files of the page, by default that of the package.

    Returns
    -------
    FastAPI
        The application.

    Raises
    ------
    InputError
        `token`, `root_path` or an allowed host has another form.

    Examples
    --------
    >>> app = create_app([], token="secret")
    >>> app.openapi()["info"]["title"]
    'whyset viewer'
    """
    access = Access(token, tuple(allowed_hosts), root_path.rstrip("/"))
    app = FastAPI(
        title="whyset viewer",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=PlainJSONResponse,
        middleware=[Middleware(SecurityHeaders), Middleware(Guard, access=access), Middleware(BodyLimit)],
    )
    library = runs if isinstance(runs, RunRegistry) else RunRegistry([as_path(run) for run in runs])
    app.state.selections, app.state.document = selections, document
    app.state.library, app.state.static, app.state.access = library, static, access
    add_error_handlers(app)
    app.include_router(api_router())
    app.add_api_route("/", get_index, include_in_schema=False)
    app.add_api_route("/{name:path}", get_file, include_in_schema=False)
    return app
