"""The viewer's application called in this process, with the endpoints, limits and errors of the server."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.types import Message

from whyset.errors import InputError
from whyset.store.remote import AnyPath
from whyset.viewer.app import create_app

HOST = b"localhost"


@dataclass(frozen=True)
class LocalAnswer:
    """Answer of an endpoint; the names of headers are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a binary answer."""
        return tuple(int(side) for side in self.headers["x-shape"].split(","))


class LocalViewer:
    """An application over these runs that only this object can call.

    >>> LocalViewer([]).json("runs")
    []
    """

    def __init__(self, runs: Sequence[AnyPath | str], *, selections: Path | None = None) -> None:
        self._token = secrets.token_urlsafe(24)
        self._app = create_app(runs, token=self._token, selections=selections)

    def ask(self, path: str, *, method: str = "GET", body: bytes = b"") -> LocalAnswer:
        """Answer a request below /api/, in a separate event loop, as notebooks already run one in this thread."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._ask(path, method, body)).result()

    def get(self, path: str) -> LocalAnswer:
        """Answer a request that must succeed; InputError states why it did not."""
        answer = self.ask(path)
        if answer.status != 200:
            error = json.loads(answer.body)["error"]
            raise InputError("; ".join(filter(None, (error["message"], error["hint"]))))
        return answer

    def json(self, path: str) -> Any:
        """Get the JSON of an answer that must succeed."""
        return json.loads(self.get(path).body)

    async def _ask(self, path: str, method: str, body: bytes) -> LocalAnswer:
        place, _, query = f"/api/{path}".partition("?")
        cookie = f"whyset-token-default={self._token}".encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(place),
            "raw_path": place.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", HOST), (b"cookie", cookie), (b"content-type", b"application/json")],
            "server": ("localhost", 80),
            "client": None,
        }
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        try:
            await self._app(scope, receive, send)
        except Exception:
            if not messages:  # otherwise the application has answered with the error and raises it for a server's log
                raise
        start, *rest = messages
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return LocalAnswer(start["status"], headers, b"".join(message.get("body", b"") for message in rest))
