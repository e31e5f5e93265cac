"""Bodies, texts and raw requests that no browser sends: never a 5xx, never a file, never a header of the asker's."""

import json
import re
import socket
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whyset.store import Run
from whyset.viewer import Server, create_app

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

CATEGORY = "/api/runs/sample/analyses/spray/00002"
WRITING = [
    ("POST", "/api/runs/sample/selections"),
    ("PUT", "/api/runs/sample/selections/abc?revision=1"),
    ("PUT", f"{CATEGORY}/names"),
    ("POST", f"{CATEGORY}/export"),
    ("POST", "/api/opening"),
]
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b'{"name": "\xff", "rows": [1]}',
    b'{"name": "x", "rows": [NaN]}',
    b'{"name": "x", "rows": [Infinity, -Infinity]}',
    b'{"name": "x", "rows": [1e400]}',
    b'{"name": "x", "rows": [1.5]}',
    b'{"name": "x", "rows": [true]}',
    b'{"name": "x", "rows": [%s]}' % (b"9" * 6000),
    b'{"name": "\\ud800", "rows": [1]}',
    b'{"format": "\\ud800", "rows": [1], "form": "\\udfff"}',
    b'{"name": "x", "rows": [1], "tags": [null]}',
    b'{"name": "x", "name": "y", "rows": {"1": 2}}',
    b'{"names": {"\\ud800": {"0": "x"}}, "revision": 0}',
    b'{"names": {"kmeans": {"0": "\\ud800"}}, "revision": 0}',
    b'{"names": {"kmeans": {"0": "x"}}, "revision": 1e999}',
    b"[" * 100_000,
    b'{"rows":' * 50_000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
]
KINDS = [
    None,
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "\xfc",
    "a/b; q",
]


@pytest.fixture(scope="module")
def client(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    app = create_app([run.path], token="t", selections=tmp_path_factory.mktemp("notes"))
    with TestClient(app, base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        client.get("/?token=t", follow_redirects=False)
        yield client


def require_refused_or_done(answer: object) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path"), WRITING)
def test_bodies_that_are_nothing_are_refused(client: TestClient, method: str, path: str) -> None:
    for body in BODIES:
        answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        require_refused_or_done(answer)
        exportable = path.endswith("export") and b'"rows": [1]' in body  # it asks for nothing else
        assert answer.status_code >= 400 or exportable, (body[:80], answer.text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["name", "rows", "tags", "note", "analysis", "category", "names", "revision", "form", "format"]
)


@relaxed
@given(st.sampled_from(WRITING), st.dictionaries(FIELDS, JSON_VALUES, max_size=6), st.sampled_from(KINDS))
def test_any_json_under_any_content_type(
    client: TestClient, target: tuple[str, str], value: dict, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind.encode("latin-1")}
    require_refused_or_done(client.request(*target, content=json.dumps(value).encode(), headers=headers))


@relaxed
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_any_text_can_be_looked_for(client: TestClient, text: str) -> None:
    answer = client.get("/api/runs/sample/find", params={"text": text, "analysis": "spray"})
    assert answer.status_code == 200
    assert answer.json()["total"] >= len(answer.json()["matches"])


@relaxed
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_any_definition_of_a_color_map(client: TestClient, definition: str) -> None:
    require_refused_or_done(client.get(f"/api/color-maps/{definition.encode().hex()}"))
    require_refused_or_done(client.get("/api/color-maps/" + "".join(f"%{byte:02x}" for byte in definition.encode())))


@pytest.fixture(scope="module")
def server(run: Run) -> Iterator[Server]:
    with Server([run.path]) as server:
        yield server


def sent(server: Server, *lines: str, body: bytes = b"", host: str | None = None) -> bytes:
    """The answer to a request as it is, with the token."""
    head = [
        *lines,
        f"Host: {host or f'127.0.0.1:{server.port}'}",
        f"Cookie: whyset-token-{server.port}={server.token}",
        "Connection: close",
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def status(answer: bytes) -> int:
    return int(re.match(rb"HTTP/1\.1 (\d+)", answer)[1])


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/assets/../../../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%5c..%5c..%5cetc%5cpasswd",
        "//etc/passwd",
        "/%00",
        "/api/runs/%ff%fe",
        "/api/runs/%ed%a0%80/columns/label",
        "/api/runs/sample/columns/label%0d%0aSet-Cookie:%20evil=1",
        "http://evil.example/api/runs",
        "*",
        "/" + "a" * 20_000,
        "/api/runs?" + "&".join(f"a{number}=1" for number in range(3000)),
    ],
)
def test_raw_paths_lead_nowhere(server: Server, path: str) -> None:
    answer = sent(server, f"GET {path} HTTP/1.1")
    head = answer.partition(b"\r\n\r\n")[0]
    assert status(answer) < 500
    assert b"root:" not in answer
    assert b"evil=1" not in head


@pytest.mark.parametrize(
    "line",
    [
        "Range: bytes=0-3",
        "Range: bytes=0-18446744073709551616",
        "If-None-Match: " + '"x",' * 2000,
        "If-Modified-Since: yesterday",
        "Accept-Encoding: gzip, br, zstd",
        "X-HTTP-Method-Override: DELETE",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-Host: evil.example",
        "Forwarded: host=evil.example",
        "Content-Length: -1",
        "Transfer-Encoding: nonsense",
        "Upgrade: websocket",
    ],
)
def test_odd_headers_change_nothing_or_are_refused(server: Server, line: str) -> None:
    answer = sent(server, "GET /api/runs/sample/columns/label HTTP/1.1", line)
    assert status(answer) in (200, 400)
    assert b"evil" not in answer
    if status(answer) == 200:
        assert b"content-length: 60" in answer  # the whole column, one byte a sample


@pytest.mark.parametrize(
    ("method", "expected"), [("HEAD", 405), ("OPTIONS", 405), ("TRACE", 405), ("PROPFIND", 405), ("CONNECT", 405)]
)
def test_other_methods_are_no_way_in(server: Server, method: str, expected: int) -> None:
    answer = sent(server, f"{method} /api/runs HTTP/1.1", "Origin: http://evil.example")
    assert status(answer) == 403  # of another site
    assert b"access-control-allow" not in answer.lower()
    own = sent(server, f"{method} /api/runs HTTP/1.1")
    assert status(own) in (expected, 400, 404)
    assert b"access-control-allow" not in own.lower()


def test_two_hosts_or_none_are_refused(server: Server) -> None:
    assert status(sent(server, "GET /api/runs HTTP/1.1", "Host: evil.example")) in (400, 403)
    assert status(sent(server, "GET /api/runs HTTP/1.1", host="evil.example")) == 403
    assert status(sent(server, "GET /api/runs HTTP/1.1", host=f"127.0.0.1:{server.port}, evil.example")) == 403
