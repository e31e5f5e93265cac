"""Access control: a token in a cookie, checks of Host and Origin, and security headers."""

import hmac
import re
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whyset.errors import InputError
from whyset.viewer.errors import HEADERS, error_response
from whyset.viewer.pages import page

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")
NO_TOKEN = (
    "Open the address that `whyset view` printed in its terminal; it ends in ?token=... "
    "If you have just followed such a link from another site, use the link below."
)


@dataclass(frozen=True)
class Access:
    """Requirements for access; `root_path` is the prefix under which a proxy serves the viewer."""

    token: str
    allowed_hosts: tuple[str, ...] = ()
    root_path: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.token):
            raise InputError("the viewer's token must consist of letters, digits, '-' and '_', and not be empty")
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", self.root_path):
            raise InputError(f"root path: expected '' or a path such as '/a/b', got {self.root_path!r}")
        for host in self.allowed_hosts:
            if not (parts := HOST.fullmatch(host)) or parts["port"]:
                raise InputError(f"allowed host: expected a name without scheme, port or path, got {host!r}")

    def host_problem(self, host: str) -> str | None:
        """Get the reason to refuse the Host header, or None: a rebinding page reaches loopback under its own name."""
        parts = HOST.fullmatch(host)
        if parts and _plain(parts["name"]) in LOOPBACK_NAMES | self._allowed_hosts:
            return None
        return f"the host {host!r} is not allowed"

    def origin_problem(self, origin: str | None, host: str) -> str | None:
        """Get the reason to refuse the Origin header, or None: a page of another server or port."""
        if origin is None:
            return None
        parts = HOST.fullmatch(origin.partition("://")[2])
        if parts and (parts[0].lower() == host.lower() or _plain(parts["name"]) in self._allowed_hosts):
            return None
        return f"the origin {origin!r} is not allowed"

    def knows(self, candidate: str | None) -> bool:
        """Return True if this is the token; the comparison takes constant time."""
        return candidate is not None and hmac.compare_digest(candidate.encode(), self.token.encode())

    @property
    def _allowed_hosts(self) -> frozenset[str]:
        return frozenset(_plain(host) for host in self.allowed_hosts)


def _plain(name: str) -> str:
    return name.strip("[]").lower()


def cookie_name(request: Request, root_path: str) -> str:
    """Name the cookie by port and path, as browsers do not separate cookies of ports and of nested paths."""
    parts = HOST.fullmatch(request.headers.get("host", ""))
    return f"whyset-token-{(parts and parts['port']) or 'default'}{root_path.replace('/', '-')}"


@dataclass(frozen=True)
class Guard:
    """ASGI middleware: answer only requests that `access` allows, and turn ?token= into the cookie.

    Routes are found with and without the prefix `root_path`, as some proxies remove it and some do not.
    """

    app: ASGIApp
    access: Access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            answer = self._refusal_or_redirect(Request(scope)) or self.app
            await answer({**scope, "root_path": self.access.root_path}, receive, send)

    def _refusal_or_redirect(self, request: Request) -> Response | None:
        host, path = request.headers.get("host", ""), self._path(request)
        problem = self.access.host_problem(host) or self.access.origin_problem(request.headers.get("origin"), host)
        if problem:
            return error_response(403, problem, "start `whyset view` with --allowed-host NAME to allow it")
        if path == self.access.root_path != "":
            return RedirectResponse(f"{path}/?{request.url.query}")  # otherwise relative links on the page would break
        if path == "/" and self.access.knows(request.query_params.get("token")):
            return self._with_cookie(request)
        if self.access.knows(request.cookies.get(cookie_name(request, self.access.root_path))):
            return None
        if path == "/":
            return page("This viewer needs its token", NO_TOKEN, status=403, link=("./", "Continue"))
        return error_response(403, "the viewer's token is missing or wrong", NO_TOKEN.partition(" If")[0])

    def _with_cookie(self, request: Request) -> Response:
        """Set the cookie and remove the token from the address.

        Requests from a link of another site are redirected by a page, because browsers do not send strict cookies with
        a redirect that began on another site.
        """
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            answer: Response = page(
                "The viewer opens", "One moment.", status=200, link=("./", "Continue"), at_once=True
            )
        else:
            answer = RedirectResponse("./", status_code=303, headers={"Cache-Control": "no-store"})
        name, path = cookie_name(request, self.access.root_path), f"{self.access.root_path}/"
        secure = request.url.scheme == "https"
        answer.set_cookie(name, self.access.token, path=path, httponly=True, samesite="strict", secure=secure)
        return answer

    def _path(self, request: Request) -> str:
        path, root = str(request.scope["path"]), self.access.root_path
        return path.removeprefix(root) if path.startswith(f"{root}/") else path


@dataclass(frozen=True)
class SecurityHeaders:
    """ASGI middleware: add headers that keep the browser from loading from other servers and guessing types."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers)
