"""Runs and clients that the viewer's tests share."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from whyset.store import Run
from whyset.viewer import create_app

TOKEN, ORIGIN = "the-token", "http://127.0.0.1:8765"
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="session")
def sample() -> SimpleNamespace:
    """The module that makes the small run."""
    return SimpleNamespace(**runpy.run_path(str(SUPPORT / "sample_run.py"), run_name="sample_run"))


@pytest.fixture(scope="session")
def run(sample: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A complete run with the analysis "spray"; tests leave it as it is."""
    return sample.make_sample_run(tmp_path_factory.mktemp("runs") / "sample")


@pytest.fixture(scope="session")
def half(sample: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of which only rows 0 to 15 are committed."""
    return sample.make_sample_run(tmp_path_factory.mktemp("runs") / "half", shards=(0,), analyses=())


@pytest.fixture
def admitted() -> Callable[..., TestClient]:
    """Makes clients that have given the token; what fails inside the server is answered, not raised."""

    def make(*runs: Path, **settings: object) -> TestClient:
        app = create_app(runs, token=TOKEN, **settings)
        client = TestClient(app, base_url=ORIGIN, raise_server_exceptions=False)
        client.get(f"/?token={TOKEN}", follow_redirects=False)
        return client

    return make


@pytest.fixture
def client(admitted: Callable[..., TestClient], run: Run, half: Run) -> TestClient:
    """A client of a server over a complete and a half-finished run."""
    return admitted(run.path, half.path)
