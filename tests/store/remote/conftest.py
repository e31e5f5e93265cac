"""An S3 server of its own process, and a wire to it that can be cut or changed on the way."""

import socket
import socketserver
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from whyset.store import RemotePath
from whyset.testing.engines import read_stored_bytes
from whyset.testing.store import example_run, write_pending

KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


@dataclass(frozen=True)
class ObjectServer:
    """moto's S3 server: real HTTP, conditional puts, multipart uploads; the objects lie in its memory."""

    endpoint: str
    process: subprocess.Popen

    @property
    def environment(self):
        return {**KEYS, "AWS_ENDPOINT_URL": self.endpoint}

    def new_url(self):
        """A run's URL in a bucket that exists."""
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/bucket", method="PUT")).close()
        return f"s3://bucket/runs/{uuid.uuid4().hex[:8]}"


@contextmanager
def object_server(python: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = ObjectServer(f"http://127.0.0.1:{port}", process)
    try:
        _wait_for(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_for(server):
    until = time.monotonic() + 60
    while True:
        with suppress(urllib.error.URLError):
            return urllib.request.urlopen(server.endpoint).close()
        assert server.process.poll() is None, "the S3 server ended at once"
        assert time.monotonic() < until, "the S3 server does not answer"
        time.sleep(0.1)


@dataclass
class Wire:
    """What travels to the server: after `budget` bytes every connection is cut, and `swaps` are made in what passes."""

    port: int
    budget: float = float("inf")
    swaps: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def wire_to(server):
    address = ("127.0.0.1", int(server.endpoint.rpartition(":")[2]))

    class Passing(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection(address) as there:
                answers = threading.Thread(target=_pass_on, args=(there, self.request), daemon=True)
                answers.start()
                with suppress(OSError):
                    while wire.budget > 0 and (data := self.request.recv(2**16)):
                        for old, new in wire.swaps.items():
                            data = data.replace(old, new)
                        wire.budget -= len(data)
                        there.sendall(data if wire.budget > 0 else data[: int(wire.budget)])
                for end in (there, self.request):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                answers.join()

    class Passage(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Passage(("127.0.0.1", 0), Passing) as passage:
        wire = Wire(passage.server_address[1])
        threading.Thread(target=passage.serve_forever, daemon=True).start()
        try:
            yield wire
        finally:
            passage.shutdown()


def _pass_on(source, sink):
    with suppress(OSError):
        while data := source.recv(2**16):
            sink.sendall(data)


@pytest.fixture(scope="session")
def s3_server(oracle_python):
    with object_server(oracle_python("moto")) as server:
        yield server


@pytest.fixture
def server(s3_server, monkeypatch):
    """The server, named in the environment as users name theirs."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def own_server(oracle_python, monkeypatch):
    """A server that a test may kill."""
    with object_server(oracle_python("moto")) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def url(server):
    return server.new_url()


@pytest.fixture
def wire(server):
    with wire_to(server) as wire:
        yield wire


@pytest.fixture
def memory():
    """A bucket in this process's memory."""
    return RemotePath(MemoryStore(), "memory://bucket")


@pytest.fixture(params=["memory", "s3"])
def place(request):
    """Where a run may lie: in a bucket of this process, and on a server."""
    return request.getfixturevalue("memory") / "run" if request.param == "memory" else request.getfixturevalue("url")


class Counting:
    """A store that counts its requests."""

    def __init__(self, store):
        self.store, self.count = store, 0

    def __getattr__(self, name):
        request = getattr(self.store, name)

        def counted(*given, **options):
            self.count += 1
            return request(*given, **options)

        return counted

    def taken(self):
        taken, self.count = self.count, 0
        return taken


@pytest.fixture
def counting(memory):
    """A bucket that tells how many requests it has got since it was last asked."""
    return RemotePath(Counting(memory.store), memory.base)


@pytest.fixture
def undisturbed(tmp_path):
    """Every stored byte of the same run, written in one go into a folder."""
    return read_stored_bytes(write_pending(example_run(tmp_path / "undisturbed")))
