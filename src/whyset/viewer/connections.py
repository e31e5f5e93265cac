"""Limits of the duration of a request and of the number of connections: uvicorn bounds neither."""

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class ConnectionLimits:
    """Seconds until a request's headers and its whole body must have arrived, and the number of connections."""

    head_seconds: float = 10.0
    body_seconds: float = 120.0
    connections: int = 128


@dataclass
class Deadline:
    """The time by which a connection has to leave the state in which it waits for its client."""

    state: Any = None
    timer: asyncio.TimerHandle | None = None
    since: float = 0.0

    def cancel(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol with a deadline for each request and a limited number of connections.

    Single bytes that arrive do not extend the deadline. If there are too many connections, the one that has waited
    longest without a request is closed, so that half-open ones cannot lock a browser out; if none waits, the new one.
    """

    limits = ConnectionLimits()
    deadline: Deadline

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.deadline = Deadline()
        self._watch()
        if len(self.connections) > self.limits.connections:
            others = [each for each in self.connections if isinstance(each, BoundedProtocol) and each is not self]
            waiting = [each for each in others if each.deadline.state is h11.IDLE and not each.transport.is_closing()]
            min(waiting, key=lambda each: each.deadline.since, default=self).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """Start another deadline if the connection waits for something else than before."""
        state = self.conn.their_state
        if state is self.deadline.state:
            return
        self.deadline.cancel()
        seconds = {h11.IDLE: self.limits.head_seconds, h11.SEND_BODY: self.limits.body_seconds}.get(state)
        timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)
        self.deadline = Deadline(state, timer, self.loop.time())


def make_bounded_protocol(limits: ConnectionLimits) -> type[H11Protocol]:
    """Create the protocol with these limits as a class, as uvicorn expects it."""
    return type("Bounded", (BoundedProtocol,), {"limits": limits})
