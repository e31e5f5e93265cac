"""Behind a reverse proxy: the whole way through a real one, which ends the encryption and cuts the path or does not."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from whyset.store import Run
from whyset.viewer import Server

LENGTH = "Content-Length"
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


def handler_for(port: int, *, cuts: bool) -> type[BaseHTTPRequestHandler]:
    """Forwards what lies below /viewer/ as nginx does by the page on serving a team."""

    class Forwarding(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            if not self.path.startswith("/viewer/"):
                self.send_error(404)
                return
            path = self.path.removeprefix("/viewer") if cuts else self.path
            body = self.rfile.read(int(self.headers.get(LENGTH, 0)))
            upstream = HTTPConnection("127.0.0.1", port)
            upstream.request(self.command, path, body, dict(self.headers) | {"X-Forwarded-Proto": "https"})
            answer = upstream.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            if answer.getheader(LENGTH) is None:
                self.send_header(LENGTH, str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            upstream.close()

        do_GET = do_POST = do_PUT = do_DELETE = forward

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Forwarding


@contextmanager
def proxy_to(port: int, *, cuts: bool) -> Iterator[str]:
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(port, cuts=cuts))
    Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        proxy.server_close()


@pytest.mark.parametrize("cuts", [True, False], ids=["cuts the path", "leaves the path"])
def test_the_viewer_works_below_a_path_of_a_proxy(run: Run, tmp_path, cuts: bool) -> None:
    settings = {"root_path": "/viewer", "allowed_hosts": ["lab.example"], "selections": tmp_path}
    with (
        Server([run.path], **settings) as server,
        proxy_to(server.port, cuts=cuts) as origin,
        httpx.Client(base_url=origin, headers={"Host": "lab.example"}) as client,
    ):
        api = "/viewer/api/runs"
        assert client.get(api).status_code == 403
        entered = client.get(f"/viewer/?token={server.token}")
        assert entered.headers["location"] == "./"
        cookie = entered.headers["set-cookie"]
        assert "Path=/viewer/;" in cookie
        assert "Secure" in cookie
        headers = {"Cookie": cookie.partition(";")[0]}  # httpx sends no secure cookie back without TLS
        assert client.get("/viewer/", headers=headers).headers["content-type"].startswith("text/html")
        assert client.get(api, headers=headers).json()[0]["id"] == "sample"
        page = {"Origin": "https://lab.example"}
        draft = {"name": "through the proxy", "rows": [1]}
        assert client.post(f"{api}/sample/selections", json=draft, headers=headers | page).status_code == 201
        other = {"Origin": "https://evil.example"}
        assert client.post(f"{api}/sample/selections", json=draft, headers=headers | other).status_code == 403
        assert client.get(api, headers=headers | {"Host": "evil.example"}).status_code == 403
