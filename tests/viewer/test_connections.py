"""Connections that never finish a request, on real sockets: they are closed, and lock nobody out."""

import socket
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from whyset.viewer.connections import ConnectionLimits
from whyset.viewer.serve import Server

PATIENCE = 60.0
PATIENT = 3600.0


@pytest.fixture
def place(sample_run: Any, tmp_path: Path) -> Path:
    return Path(sample_run.make_sample_run(tmp_path / "run").path)


def connected(server: Server, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall(sent)
    return connection


def closed(connection: socket.socket) -> bool:
    """Wait for the server to close the connection; nothing else may come from it."""
    try:
        return connection.recv(1024) == b""
    except ConnectionResetError:
        return True


def answers(server: Server) -> bool:
    with httpx.Client(follow_redirects=True, timeout=PATIENCE) as browser:
        return browser.get(server.url).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
def test_headers_that_do_not_come_end_the_connection(sent: bytes, place: Path) -> None:
    with Server([place], limits=ConnectionLimits(head_seconds=0.2)) as server, connected(server, sent) as connection:
        assert closed(connection)
        assert answers(server)


def test_headers_that_dribble_do_not_put_the_end_off(place: Path) -> None:
    with Server([place], limits=ConnectionLimits(head_seconds=0.5)) as server, connected(server) as connection:
        connection.settimeout(0.02)
        for byte in b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000:
            try:
                connection.sendall(bytes([byte]))
                if connection.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
        pytest.fail("a connection that sends a byte now and then stays open")


def test_a_body_that_does_not_come_ends_the_connection(place: Path) -> None:
    with Server([place], limits=ConnectionLimits(body_seconds=0.2)) as server:
        request = f"POST /api/runs/x/y HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 9\r\n\r\nx"
        with connected(server, request.encode()) as connection:
            while connection.recv(65536):  # what is answered without the token
                pass
        assert answers(server)


def test_requests_on_the_same_connection_have_a_time_each(place: Path) -> None:
    with Server([place], limits=ConnectionLimits(head_seconds=PATIENT)) as server:
        client = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        client.connect()
        first = client.sock
        for _ in range(3):
            client.request("GET", "/")
            with client.getresponse() as answer:
                assert answer.status == 403
                answer.read()
            assert client.sock is first
        client.close()


def test_half_open_connections_do_not_lock_a_browser_out(place: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(Server([place], limits=ConnectionLimits(head_seconds=PATIENT, connections=20)))
        held = [stack.enter_context(connected(server, b"GET / HTTP/1.1\r\n")) for _ in range(200)]
        assert answers(server)
        assert all(closed(connection) for connection in held[:180])
        held[-1].settimeout(0.1)
        with pytest.raises(TimeoutError):  # the newest are waited for still
            held[-1].recv(1)


def test_requests_that_are_being_answered_are_not_given_up_for_new_connections(place: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(Server([place], limits=ConnectionLimits(PATIENT, PATIENT, connections=5)))
        with httpx.Client(follow_redirects=True) as browser:
            browser.get(server.url)
            cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        head = f"POST /api/runs/run/export HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {cookie}\r\n"
        busy = []
        for _ in range(5):
            connection = connected(server, f"{head}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n".encode())
            busy.append(stack.enter_context(connection))
            assert connection.recv(100).startswith(b"HTTP/1.1 100")  # the application waits for the body
        assert closed(stack.enter_context(connected(server)))
        for connection in busy:
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1)
