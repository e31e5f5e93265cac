"""The server as a person meets it: a free port, an address with a token, the line for SSH, a clean end."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.errors import InputError
from whyset.store import Run
from whyset.viewer import Server, view
from whyset.viewer.app import create_app
from whyset.viewer.run_registry import RunRegistry

VIEW = "import sys, whyset; whyset.view(*sys.argv[1:], open_browser=False)"


def started(*runs: Path, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if name != "SSH_CONNECTION"}
    command = [sys.executable, "-c", VIEW, *map(str, runs)]
    return subprocess.Popen(command, env=clean | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_server_answers_over_a_socket_and_ends(run: Run) -> None:
    with Server([run.path]) as server, httpx.Client(base_url=server.origin, follow_redirects=True) as client:
        assert client.get("/api/runs").status_code == 403
        client.get(server.url)
        assert client.get("/api/runs").json()[0]["id"] == "sample"
        labels = client.get("/api/runs/sample/columns/label")
        assert np.array_equal(np.frombuffer(labels.content, np.int8), run.labels)
        port = server.port
    with pytest.raises(OSError, match=r".*"), socket.create_connection(("127.0.0.1", port), timeout=1):
        pass


def test_only_files_with_a_hash_in_their_name_are_kept_for_good(run: Run) -> None:
    with TestClient(create_app([run.path], token="t"), base_url="http://127.0.0.1:1") as client:
        page = client.get("/?token=t")
        script = page.text.split('src="./')[1].split('"')[0]
        kept = [client.get(address).headers["cache-control"] for address in ("/", script, "icon.svg")]
    assert ["immutable" in each for each in kept] == [False, True, False]


def test_what_was_read_ahead_is_not_read_again(run: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(run.path, tmp_path / "run")
    library = RunRegistry([copy])
    library.read_ahead()
    (copy / "samples.parquet").unlink()
    shutil.rmtree(copy / "data.zarr" / "prediction")
    with TestClient(create_app(library, token="t"), base_url="http://127.0.0.1:1") as client:
        client.get("/?token=t")
        columns = client.get("/api/runs/run/columns/prediction"), client.get("/api/runs/run/samples?indices=0")
    assert [answer.status_code for answer in columns] == [200, 200]


def test_reading_ahead_of_what_is_no_run_harms_nothing(tmp_path: Path) -> None:
    RunRegistry([tmp_path / "none"]).read_ahead()
    RunRegistry([]).read_ahead()


def test_web_socket_is_no_way_in(run: Run) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAA",
    }
    with Server([run.path]) as server:
        assert httpx.get(f"{server.origin}/api/runs", headers=upgrade).status_code == 403


def test_address_leads_in_under_a_root_path(run: Run) -> None:
    with Server([run.path], root_path="/whyset/") as server, httpx.Client(follow_redirects=True) as client:
        assert client.get(server.url).url.path == "/whyset/"
        assert client.get(f"{server.origin}/whyset/api/runs").status_code == 200


def test_address_of_every_interface_names_this_computer_and_warns(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("whyset.viewer.serve.socket.gethostname", lambda: "desk.example")
    monkeypatch.setattr("whyset.viewer.serve.uvicorn.Server.run", lambda *_, **__: None)
    view(run, host="0.0.0.0", open_browser=False)
    printed = capsys.readouterr().out
    assert "http://desk.example:" in printed
    assert "Other computers can reach it" in printed
    view(run, open_browser=False)
    assert "Other computers" not in capsys.readouterr().out


def test_two_servers_have_ports_and_tokens_of_their_own(run: Run) -> None:
    with Server([run.path]) as one, Server([run.path]) as other:
        assert one.port != other.port
        assert one.token != other.token
        assert len(one.token) >= 32


def test_view_prints_the_address_serves_and_ends_on_interrupt(run: Run) -> None:
    process = started(run.path)
    try:
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
        assert address, line
        assert httpx.get(address[0]).status_code == 303
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "ssh" not in line + output


def test_view_over_ssh_prints_the_forwarding_line(run: Run) -> None:
    process = started(run.path, SSH_CONNECTION="10.0.0.1 50000 10.0.0.2 2222")
    try:
        address, forward = process.stdout.readline(), process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
    port = re.search(r":(\d+)/", address)[1]
    assert f"ssh -p 2222 -L {port}:127.0.0.1:{port} " in forward


def test_view_opens_no_browser_over_ssh(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("whyset.viewer.serve.uvicorn.Server.run", lambda *_, **__: None)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 22")
    view(run.path)
    assert opened == []
    monkeypatch.delenv("SSH_CONNECTION")
    view(run, open_browser=False)
    assert opened == []
    view(run)
    assert len(opened) == 1


def test_the_browser_is_given_a_private_file_and_not_the_token(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[tuple[str, int, str]] = []
    there = Event()

    def note(address: str) -> None:
        file = Path(url2pathname(urlsplit(address).path))
        opened.append((address, file.stat().st_mode & 0o777, file.read_text()))
        there.set()

    monkeypatch.setattr("webbrowser.open", note)
    monkeypatch.setattr("whyset.viewer.serve.uvicorn.Server.run", lambda *_, **__: there.wait(10))
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    view(run)
    ((address, mode, page),) = opened
    token = re.search(r"token=([A-Za-z0-9_-]+)", capsys.readouterr().out)[1]
    assert token not in address
    assert f"?token={token}" in page
    assert mode == 0o600
    assert not Path(url2pathname(urlsplit(address).path)).exists()


def test_a_token_file_is_made_kept_private_and_never_printed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    servers: list[Server] = []
    monkeypatch.setattr(Server, "run", lambda server: servers.append(server))
    file = tmp_path / "token"
    for _ in range(2):
        view(run, open_browser=False, token_file=file)
    token = file.read_text().strip()
    assert [server.token for server in servers] == [token, token]
    assert len(token) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    printed = capsys.readouterr()
    assert token not in printed.out + printed.err
    assert str(file) in printed.out


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ("a" * 32, 0o640, "chmod 600"),
        ("a" * 32, 0o604, "chmod 600"),
        ("short", 0o600, "expected 20 to 200 letters"),
        ("", 0o600, "expected 20 to 200 letters"),
        ("a" * 32 + " b", 0o600, "expected 20 to 200 letters"),
        ("ü" * 32, 0o600, "cannot be read"),
    ],
)
def test_a_token_file_that_is_none_or_not_private_is_refused(
    run: Run, tmp_path: Path, content: str, mode: int, words: str
) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(InputError, match=words):
        view(run, open_browser=False, token_file=file)
    assert file.read_text() == content


def test_a_token_file_in_no_folder_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be created"):
        view(run, open_browser=False, token_file=tmp_path / "none" / "token")


def test_view_refuses_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a run"):
        view(tmp_path / "none", open_browser=False)


def test_taken_port_is_told(run: Run) -> None:
    with Server([run.path]) as server, pytest.raises(InputError, match=rf"127\.0\.0\.1:{server.port}.*--port"):
        Server([run.path], port=server.port)
    with pytest.raises(InputError, match="--port"):
        Server([run.path], port=99999)


def test_whole_use_of_the_viewer_loads_no_torch(run: Run) -> None:
    code = """
import sys
from fastapi.testclient import TestClient
from whyset.viewer import create_app, view
client = TestClient(create_app([sys.argv[1]], token="t"), base_url="http://127.0.0.1:1")
client.get("/?token=t", follow_redirects=False)
for path in ("", "/samples?indices=1", "/maps?indices=1", "/analyses/spray", "/analyses/spray/00002/columns/index"):
    assert client.get("/api/runs/sample" + path).status_code == 200, path
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, str(run.path)], check=True)
