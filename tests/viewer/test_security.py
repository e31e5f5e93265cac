"""Only the holder of the token, asking this server by its own name, is answered."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from whyset.errors import InputError
from whyset.viewer import create_app

TOKEN, ORIGIN = "the-token", "http://127.0.0.1:8765"


def stranger(**settings: object) -> TestClient:
    return TestClient(create_app([], token=TOKEN, **settings), base_url=ORIGIN)


@pytest.mark.parametrize("path", ["/api/runs", "/api/openapi.json", "/assets/main.js", "/api/nothing"])
def test_without_the_token_nothing_is_told(path: str) -> None:
    answer = stranger().get(path)
    assert answer.status_code == 403
    assert set(answer.json()) == {"error"}
    assert "token" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=the-toke", "?token=the-token%00", "?token=ü"])
def test_page_without_the_token_says_what_to_do(query: str) -> None:
    answer = stranger().get(f"/{query}", follow_redirects=False)
    assert answer.status_code == 403
    assert "whyset view" in answer.text
    assert "set-cookie" not in answer.headers


def test_token_becomes_a_strict_cookie_of_this_port_and_leaves_the_address() -> None:
    answer = stranger().get(f"/?token={TOKEN}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "./"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"whyset-token-8765={TOKEN};")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_who_comes_by_a_link_of_another_site_is_sent_on_by_a_page_of_this_one(site: str) -> None:
    answer = stranger().get(f"/?token={TOKEN}", headers={"Sec-Fetch-Site": site}, follow_redirects=False)
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=./">' in answer.text
    assert TOKEN not in answer.text
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert answer.headers["cache-control"] == "no-store"


def test_cookie_travels_only_encrypted_where_the_proxy_does() -> None:
    plain, encrypted = (
        TestClient(create_app([], token=TOKEN, allowed_hosts=["lab.example"]), base_url=f"{scheme}://lab.example")
        for scheme in ("http", "https")
    )
    assert "secure" not in plain.get(f"/?token={TOKEN}", follow_redirects=False).headers["set-cookie"].lower()
    assert "; secure" in encrypted.get(f"/?token={TOKEN}", follow_redirects=False).headers["set-cookie"].lower()


def test_viewers_below_one_host_have_cookies_of_their_own() -> None:
    cookies = [
        stranger(root_path=root).get(f"{root}/?token={TOKEN}", follow_redirects=False).headers["set-cookie"]
        for root in ("", "/a", "/a/b")
    ]
    assert len({cookie.partition("=")[0] for cookie in cookies}) == 3


def test_root_path_without_its_slash_leads_on() -> None:
    answer = stranger(root_path="/viewer").get(f"/viewer?token={TOKEN}", follow_redirects=False)
    assert answer.headers["location"] == f"/viewer/?token={TOKEN}"
    assert stranger(root_path="/viewer").get("/viewerapi/runs").status_code == 403


def test_cookie_of_another_port_does_not_open_this_one() -> None:
    client = stranger()
    assert client.get("/api/runs", headers={"Cookie": f"whyset-token-9999={TOKEN}"}).status_code == 403
    assert client.get("/api/runs", headers={"Cookie": f"whyset-token-8765={TOKEN}"}).status_code == 200


def test_token_counts_at_the_front_door_only() -> None:
    assert stranger().get(f"/api/runs?token={TOKEN}").status_code == 403


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "[::1]:8765", "LOCALHOST"])
def test_loopback_names_are_answered(host: str) -> None:
    cookie = "; ".join(f"whyset-token-{port}={TOKEN}" for port in ("8765", "default"))
    assert stranger().get("/api/runs", headers={"Host": host, "Cookie": cookie}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "127.0.0.1:x", "a b", "::1", "127.0.0.1/"],
)
def test_other_hosts_are_refused_even_with_the_token(admitted: Callable[..., TestClient], host: str) -> None:
    answer = admitted().get("/api/runs", headers={"Host": host})
    assert answer.status_code == 403
    assert "--allowed-host" in answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9999", "http://localhost:9999", "null", "http://127.0.0.1", ""]
)
def test_pages_of_other_servers_are_refused(admitted: Callable[..., TestClient], origin: str) -> None:
    assert admitted().get("/api/runs", headers={"Origin": origin}).status_code == 403


def test_own_page_is_answered(admitted: Callable[..., TestClient]) -> None:
    assert admitted().get("/api/runs", headers={"Origin": ORIGIN}).status_code == 200


def test_allowed_host_opens_its_name_as_host_and_origin() -> None:
    client = stranger(allowed_hosts=["Lab.Example"])
    headers = {"Cookie": f"whyset-token-default={TOKEN}", "Host": "lab.example"}
    assert client.get("/api/runs", headers=headers).status_code == 200
    assert client.get("/api/runs", headers=headers | {"Origin": "https://lab.example"}).status_code == 200
    assert client.get("/api/runs", headers=headers | {"Host": "other.example"}).status_code == 403


@pytest.mark.parametrize("path", ["/", "/api/runs", "/api/nothing", f"/?token={TOKEN}"])
def test_every_answer_binds_the_browser(admitted: Callable[..., TestClient], path: str) -> None:
    for client in (stranger(), admitted()):
        headers = client.get(path, follow_redirects=False).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/api/runs", "/whyset/api/runs"])
def test_root_path_is_known_with_and_without_the_proxy_cutting_it(path: str) -> None:
    client = stranger(root_path="/whyset/")
    front = path.removesuffix("api/runs")
    cookie = client.get(f"{front}?token={TOKEN}", follow_redirects=False).headers["set-cookie"]
    assert "Path=/whyset/;" in cookie
    assert client.get(path, headers={"Cookie": cookie.partition(";")[0]}).json() == []


@pytest.mark.parametrize("root_path", ["whyset", "/a b", "/a//b", "/a;b", "/ü"])
def test_root_path_that_is_no_path_is_refused(root_path: str) -> None:
    with pytest.raises(InputError, match="root path"):
        create_app([], token=TOKEN, root_path=root_path)


@pytest.mark.parametrize("token", ["", "a b", "a;b", "ü"])
def test_token_that_cannot_travel_is_refused(token: str) -> None:
    with pytest.raises(InputError, match="token"):
        create_app([], token=token)


@pytest.mark.parametrize("host", ["https://lab.example", "lab.example:80", "a/b", ""])
def test_allowed_host_that_is_no_name_is_refused(host: str) -> None:
    with pytest.raises(InputError, match="allowed host"):
        create_app([], token=TOKEN, allowed_hosts=[host])


def test_built_files_are_served_and_nothing_beside_them(admitted: Callable[..., TestClient], tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html>here")
    (static / "assets" / "main.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    client = admitted(static=static)
    assert client.get("/").text.endswith("here")
    assert client.get("/assets/main.js").headers["content-type"].startswith("text/javascript")
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/assets//main.js", "/%00"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "secret" not in answer.text


def test_missing_bundle_is_said_on_the_page(admitted: Callable[..., TestClient], tmp_path: Path) -> None:
    answer = admitted(static=tmp_path / "none").get("/")
    assert answer.status_code == 404
    assert "npm run build" in answer.text
