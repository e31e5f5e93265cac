"""Whatever is asked, the answer is no 5xx, and every error has the one shape."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whyset.store import Run
from whyset.viewer import create_app

relaxed = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NAMES = ["..", ".", "../..", "/etc/passwd", "sample", "half", "spray", "00002", "index", "%00", "\0", "<script>"]
NUMBERS = ["-1", "nan", "Ⅷ", "1,2,3", "1e9", "0x10", "' OR 1=1", "\ud7ff", "9" * 30, "1," * 400, "a" * 5000]
WORDS = st.one_of(st.text(max_size=40), st.sampled_from([*NAMES, *NUMBERS]))
PATHS = [
    "/api/runs/{}",
    "/api/runs/{}/columns/{}",
    "/api/runs/sample/columns/{}",
    "/api/runs/sample/samples",
    "/api/runs/half/maps",
    "/api/runs/sample/inputs",
    "/api/runs/sample/analyses/{}",
    "/api/runs/sample/analyses/spray/{}",
    "/api/runs/sample/analyses/spray/{}/columns/{}",
    "/api/runs/sample/analyses/spray/00002/columns/{}",
    "/{}",
    "/assets/{}",
]


@pytest.fixture(scope="module")
def open_client(run: Run, half: Run) -> Iterator[TestClient]:
    """One client for all examples, so that the server's event loop is started once."""
    with TestClient(create_app([run.path, half.path], token="t"), base_url="http://127.0.0.1:8765") as client:
        client.get("/?token=t", follow_redirects=False)
        yield client


def require_told(answer: object) -> None:
    """An answer below 500; an error is JSON with a message and a hint, except for the page at the front door."""
    assert answer.status_code < 500
    if answer.status_code >= 400 and not answer.headers["content-type"].startswith("text/html"):
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"message", "hint"}
        assert answer.json()["error"]["message"]


@relaxed
@given(st.sampled_from(PATHS), st.lists(WORDS, min_size=2, max_size=2), st.booleans())
def test_paths(open_client: TestClient, path: str, words: list[str], slashes: bool) -> None:
    parts = [quote(word, safe="/" if slashes else "") for word in words]
    require_told(open_client.get(path.format(*parts)))


@relaxed
@given(st.sampled_from(["samples", "maps", "inputs"]), WORDS, WORDS)
def test_parameters(open_client: TestClient, what: str, indices: str, size: str) -> None:
    require_told(open_client.get(f"/api/runs/sample/{what}", params={"indices": indices, "size": size}))


@relaxed
@given(
    st.sampled_from(["samples", "maps", "inputs"]),
    st.lists(st.integers(-2, 70), max_size=300),
    st.one_of(st.none(), st.integers(-10, 2000)),
)
def test_numbers(open_client: TestClient, what: str, indices: list[int], size: int | None) -> None:
    sizes = {} if size is None else {"size": str(size)}
    answer = open_client.get(f"/api/runs/sample/{what}", params={"indices": ",".join(map(str, indices))} | sizes)
    require_told(answer)
    valid = 0 < len(indices) <= 256 and all(0 <= index < 60 for index in indices)
    explained = what == "samples" or (23 not in indices and (size is None or 8 <= size <= 512))
    if valid and explained:
        assert answer.status_code == 200


HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)


@relaxed
@given(st.sampled_from(["Host", "Origin", "Cookie", "If-None-Match", "Accept", "Range", "X-Forwarded-Host"]), HEADER)
def test_headers(open_client: TestClient, name: str, value: str) -> None:
    for path in ("/", "/api/runs", "/api/runs/sample/columns/label"):
        require_told(open_client.get(path, headers={name: value.encode("latin-1")}))


@relaxed
@given(st.sampled_from(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"]), st.binary(max_size=200))
def test_methods_and_bodies(open_client: TestClient, method: str, body: bytes) -> None:
    answer = open_client.request(method, "/api/runs/sample", content=body)
    assert answer.status_code < 500


def test_fault_of_the_viewer_itself_is_told_without_its_details(
    admitted: Callable[..., TestClient], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the secret path")

    monkeypatch.setattr("whyset.viewer.maps.maps", fail)
    answer = admitted(run.path).get("/api/runs/sample/maps?indices=1")
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.json()["error"]["message"]
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text
