"""`expsim serve`: the app, in a server process of its own."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from expsim_panel.errors import InputError, shown

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP")


def app_file() -> Path:
    """Return the file of the installed app; finds it without importing Panel."""
    spec = find_spec("expsim_panel.layouts")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        file = Path(place) / "app.py"
        if file.is_file():
            return file
    raise FileNotFoundError("layouts/app.py is not installed")


def check_free(address: str, port: int) -> None:
    """Raise `InputError` unless a server can listen there."""
    if not 1 <= port <= 65535:
        raise InputError("expsim serve", "--port", f"{port} is no port", "give 1 to 65535; 5006 is usual")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise InputError(
            "expsim serve", "--address", f"{shown(address)} is no address of a machine", "give 127.0.0.1 or 0.0.0.0"
        ) from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            problem = f"{port} on {address} cannot be used ({error.strerror})"
            raise InputError(
                "expsim serve",
                "--port",
                problem,
                f"stop what listens there, or give another, such as --port {port % 65535 + 1}",
            ) from None


def command(port: int, address: str, show: bool, origins: list[str]) -> list[str]:
    """Return the command line of the server."""
    app = app_file()
    words = [sys.executable, "-m", "panel", "serve", str(app), "--port", str(port), "--address", address]
    words += ["--setup", str(app.with_name("ready.py"))]
    for origin in origins:
        words += ["--allow-websocket-origin", origin]
    return [*words, "--show"] if show else words


@contextlib.contextmanager
def forwarding(children: list[subprocess.Popen[bytes]], received: list[int]) -> Iterator[None]:
    """Hand the signals of this process on to the children, and note them."""

    def forward(number: int, _: FrameType | None) -> None:
        received.append(number)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(number)

    numbers = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
    before = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def supervise(words: list[str]) -> int:
    """Run a child until it ends; return its status, or 128 + the signal that ended both."""
    received: list[int] = []
    children: list[subprocess.Popen[bytes]] = []
    # Listening before the child is there: a signal in between would leave it behind.
    with forwarding(children, received):
        # A session of its own: Ctrl-C reaches the child once, through us, and not twice.
        child = subprocess.Popen(words, start_new_session=True)
        children.append(child)
        if received:
            child.send_signal(received[0])
        status = child.wait()
    if received:
        return 128 + received[0]
    return status if status >= 0 else 128 - status


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    show: Annotated[bool, typer.Option("--show/--no-show", help="Open a browser.")] = False,
    allow_websocket_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST[:PORT]", help="Public name of the server where it stands behind a proxy; repeatable."
        ),
    ] = None,
) -> int:
    """Serve the app; Ctrl-C stops it."""
    check_free(address, port)
    words = command(port, address, show, allow_websocket_origin or [])
    print(f"The app comes up at http://{address}:{port}/app; Ctrl-C stops it.", file=sys.stderr)
    return supervise(words)
