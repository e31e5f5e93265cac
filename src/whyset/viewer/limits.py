"""How much a request may carry: bodies are gathered up to a limit before anything is done with them."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whyset.viewer.errors import error_response
from whyset.viewer.schemas import MOST_ROWS

MOST_BODY = 2**25
"""The longest body in bytes: as many row numbers as `MOST_ROWS`, with commas."""


@dataclass(frozen=True)
class BodyLimit:
    """ASGI middleware: 413 for a longer body, whether its length is announced or it just does not end."""

    app: ASGIApp
    most: int = MOST_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Request(scope).headers.get("content-length", "0")
        body = None if self._exceeds(announced) else await self._gather(receive)
        if body is None:
            message = f"the request's body is longer than {self.most} bytes"
            answer = error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, f"name at most {MOST_ROWS} rows")
            answer.headers["Connection"] = "close"  # or the server would go on reading what nobody wants
            await answer(scope, receive, send)
        else:
            await self.app(scope, _once(body, receive), send)

    def _exceeds(self, announced: str) -> bool:
        return announced.isascii() and announced.isdecimal() and (len(announced) > 18 or int(announced) > self.most)

    async def _gather(self, receive: Receive) -> list[Message] | None:
        """The messages of the whole body, or None as soon as they are too long together."""
        messages, length = [await receive()], 0
        while True:
            length += len(messages[-1].get("body", b""))
            if length > self.most:
                return None
            if not messages[-1].get("more_body", False):
                return messages
            messages.append(await receive())


def _once(gathered: list[Message], receive: Receive) -> Receive:
    """What was gathered, and then what comes after it."""
    waiting = iter(gathered)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return again
