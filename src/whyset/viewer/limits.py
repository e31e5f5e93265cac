"""Limit of the size of a request: a body is read up to the limit before it is used."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whyset.viewer.errors import error_response
from whyset.viewer.schemas import MOST_ROWS

MOST_BODY = 2**25
"""Longest body in bytes: `MOST_ROWS` row numbers with commas."""


@dataclass(frozen=True)
class BodyLimit:
    """ASGI middleware: 413 for a longer body, with or without an announced length."""

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
            answer = error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, f"send at most {MOST_ROWS} rows")
            answer.headers["Connection"] = "close"  # otherwise the server would read the rest of the body
            await answer(scope, receive, send)
        else:
            await self.app(scope, _once(body, receive), send)

    def _exceeds(self, announced: str) -> bool:
        return announced.isascii() and announced.isdecimal() and (len(announced) > 18 or int(announced) > self.most)

    async def _gather(self, receive: Receive) -> list[Message] | None:
        """Collect the messages of the whole body; None as soon as it is too long."""
        messages, length = [await receive()], 0
        while True:
            length += len(messages[-1].get("body", b""))
            if length > self.most:
                return None
            if not messages[-1].get("more_body", False):
                return messages
            messages.append(await receive())


def _once(gathered: list[Message], receive: Receive) -> Receive:
    """Replay the collected messages, then receive further ones."""
    waiting = iter(gathered)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return again
