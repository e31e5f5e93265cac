"""Serve the viewer: a free port, a fresh token, an address to open, and a clean end."""

import asyncio
import getpass
import logging
import os
import shlex
import socket
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from whyset.errors import InputError
from whyset.printable import echo
from whyset.store import Run
from whyset.store.remote import AnyPath
from whyset.viewer.app import create_app
from whyset.viewer.browser import show_in_browser
from whyset.viewer.connections import ConnectionLimits, make_bounded_protocol
from whyset.viewer.run_registry import RunRegistry
from whyset.viewer.security import LOOPBACK_NAMES
from whyset.viewer.state_files import Document, find_opening, sort_arguments
from whyset.viewer.token import fresh_token, token_in

if TYPE_CHECKING:
    from whyset.viewer.embed.widget import RunWidget

_OF_CANCELLATIONS = ("timeout graceful shutdown exceeded", "asyncio.exceptions.CancelledError")
ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})


class Server:
    """The viewer in its own thread while the `with` block lasts.

    `url` includes the token and opens the viewer; `origin`, `address` and `token` are its parts.

    Parameters
    ----------
    runs : sequence of str or path, or RunRegistry
        The folders or URLs of the runs.
    port : int, default 0
        Port of the server; 0 takes a free one.
    host : str, default "127.0.0.1"
        Address on which the server listens.
    allowed_hosts : sequence of str, default ()
        Names besides loopback and `host` under which the server is reached, without scheme, port or path.
    root_path : str, default ""
        Path below which a proxy serves the viewer, such as "/viewer".
    selections : Path, optional
        A folder for selections and names of clusters; by default they are stored next to each run.
    document : StateFile or Bookmark, optional
        A state file or a bookmark of ViRelAy that the page shows first.
    token : str, optional
        The token that opens the viewer: letters, digits, "-" and "_". By default a new token is created.
    limits : ConnectionLimits, optional
        Seconds until a request must have arrived, and the number of connections; by default 10 seconds for the headers,
        120 seconds for the whole body, and 128 connections.

    Raises
    ------
    InputError
        The port is in use, or `token`, `root_path` or an allowed host has another form.
    """

    def __init__(
        self,
        runs: Sequence[AnyPath | str] | RunRegistry,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        allowed_hosts: Sequence[str] = (),
        root_path: str = "",
        selections: Path | None = None,
        document: Document | None = None,
        token: str | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self.token = fresh_token() if token is None else token
        self.host = socket.gethostname() if host in ANY_ADDRESS else host
        names = (*allowed_hosts, *(() if self.local else (self.host,)))
        app = create_app(
            runs,
            token=self.token,
            allowed_hosts=names,
            root_path=root_path,
            selections=selections,
            document=document,
        )
        config = uvicorn.Config(
            app,
            http=make_bounded_protocol(limits or ConnectionLimits()),
            log_level="warning",
            log_config=log_config(),
            access_log=False,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._uvicorn, self._socket = uvicorn.Server(config), _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.origin = f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        self.address = f"{self.origin}{app.state.access.root_path}/"
        self.url = f"{self.address}?token={self.token}"
        self._thread = Thread(target=self.run, daemon=True)

    @property
    def local(self) -> bool:
        """True if only this computer can reach the server."""
        return self.host in LOOPBACK_NAMES

    def run(self) -> None:
        """Serve in this thread until Ctrl-C or the end of the `with` block."""
        with self._socket:
            self._uvicorn.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uvicorn.should_exit = True
        self._thread.join()


def view(
    run: Run | AnyPath | str,
    *more: Run | AnyPath | str,
    port: int = 0,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    allowed_hosts: Sequence[str] = (),
    root_path: str = "",
    selections: Path | str | None = None,
    token_file: Path | str | None = None,
) -> "RunWidget | None":
    """Show runs in the browser until Ctrl-C.

    In a notebook a single run is returned as a widget, since browsers often cannot reach a server next to the kernel.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL; or a state file that Share saved, which names its runs.
    *more : Run, str or path
        Further runs. One of them may be a bookmark that ViRelAy exported: the page then opens at it.
    port : int, default 0
        Port of the server; 0 takes a free one.
    host : str, default "127.0.0.1"
        Address on which the server listens.
    open_browser : bool, default True
        Whether a browser is opened, unless this process runs over SSH.
    allowed_hosts : sequence of str, default ()
        Names under which a proxy reaches the viewer.
    root_path : str, default ""
        Path below which a proxy serves the viewer.
    selections : str or path, optional
        A folder for named selections, for read-only runs; by default they are stored next to each run.
    token_file : str or path, optional
        A file with the token that opens the viewer. It is created if it is missing, and must be readable only by its
        owner. By default each call creates a new token.

    Returns
    -------
    RunWidget or None
        The widget in a notebook, otherwise None after the viewer has ended.

    Raises
    ------
    InputError
        None of the runs can be read, or the port is in use. If only some runs cannot be read, they are shown with their
        problems.

    Examples
    --------
    >>> view("runs/cifar", "runs/cifar-gamma", port=8000)      # doctest: +SKIP
    """
    asked = sort_arguments(each.path if isinstance(each, Run) else each for each in (run, *more))
    runs = asked.runs
    if in_notebook() and len(runs) == 1 and asked.document is None:
        from whyset.viewer.embed.widget import widget

        return widget(runs[0], selections=selections)
    library = RunRegistry(runs)
    _require_readable(library)
    if asked.document is not None:
        find_opening(asked.document, library)  # raises errors before the server starts
    Thread(target=library.read_ahead, daemon=True).start()
    kept = None if selections is None else Path(selections)
    server = Server(
        library,
        port=port,
        host=host,
        allowed_hosts=allowed_hosts,
        root_path=root_path,
        selections=kept,
        document=asked.document,
        token=None if token_file is None else token_in(Path(token_file)),
    )
    remote = "SSH_CONNECTION" in os.environ
    for line in (*asked.told, *_greeting(server, token_file, remote=remote)):
        echo(line)
    with show_in_browser(server.url) if open_browser and not remote else nullcontext():
        try:
            server.run()
        except KeyboardInterrupt:
            print("\nThe viewer has stopped.", flush=True)
    return None


def in_notebook() -> bool:
    """Return True if this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _greeting(server: Server, token_file: Path | str | None, *, remote: bool) -> list[str]:
    """Get the first lines to print; the token of a file is omitted, as the output of services is logged."""
    url = server.url if token_file is None else f"{server.address}?token=... (the token is in {token_file})"
    lines = [f"The viewer is at {url}", "Press Ctrl-C to stop it."]
    if not server.local:
        lines.insert(1, "Other computers can reach it, and the token is sent unencrypted; `ssh -L` is safer.")
    elif remote:
        lines.insert(1, f"You are connected by SSH; first run on your own computer: {_forwarding(server.port)}")
    return lines


def _forwarding(port: int) -> str:
    """Get the SSH command that forwards the port to the user's computer."""
    ssh_port = os.environ["SSH_CONNECTION"].split()[-1:]
    option = "" if ssh_port in ([], ["22"]) else f"-p {shlex.quote(ssh_port[0])} "
    return f"ssh {option}-L {port}:127.0.0.1:{port} {shlex.quote(f'{getpass.getuser()}@{socket.gethostname()}')}"


def _require_readable(library: RunRegistry) -> None:
    opened = [handle.open_or_problem() for handle in library.handles.values()]
    problems = [problem for problem in opened if isinstance(problem, str)]
    if len(problems) == len(opened):
        raise InputError(problems[0])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InputError(f"the viewer cannot listen on {host}:{port} ({error}); choose another --port, or 0") from error
    # asyncio does this for sockets that it opens; without it each short answer takes 40 ms
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class WithoutCancellations(logging.Filter):
    """Filter out messages about requests that the end of the server cancels."""

    def filter(self, record: logging.LogRecord) -> bool:
        canceled = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
        text = record.getMessage()  # starlette logs its own end as a message with a traceback
        return not canceled and not any(part in text for part in _OF_CANCELLATIONS)


def log_config() -> dict[str, Any]:
    """Get the configuration of uvicorn's logging with the filter."""
    config = deepcopy(LOGGING_CONFIG)
    config["filters"] = {"without_cancellations": {"()": WithoutCancellations}}
    config["handlers"]["default"]["filters"] = ["without_cancellations"]
    return config
