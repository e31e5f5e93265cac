"""The real ViRelAy as a process of its own."""

import io
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Virelay:
    """A running ViRelAy."""

    address: str

    def json(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}/api/{path}") as answer:
            return json.load(answer)

    def image(self, path: str) -> np.ndarray:
        """A picture as its bytes, (H, W, 3); it travels as JPEG."""
        with urllib.request.urlopen(f"{self.address}/api/{path}") as answer:
            return np.asarray(Image.open(io.BytesIO(answer.read())))


@contextmanager
def virelay_server(python: Path, log: Path, *projects: Path) -> Iterator[Virelay]:
    """ViRelAy's own server on these projects; `python` is that of its environment, `log` takes what it says."""
    port = free_port()
    command = [python.with_name("virelay"), "--host", "127.0.0.1", "--port", str(port), *projects]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
    server = Virelay(f"http://127.0.0.1:{port}")
    try:
        while not answers(server):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def answers(server: Virelay) -> bool:
    try:
        server.json("projects")
    except OSError:
        return False
    return True
