"""The server: where it listens, who may ask, until Ctrl-C."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from heliostat.errors import ConfigError
from heliostat.ui.access import Access, check_token, is_loopback
from heliostat.ui.app import Pages
from heliostat.ui.cluster_page import Nodes
from heliostat.ui.drawing import Drawer
from heliostat.ui.remembered import Remembered, place_for
from heliostat.ui.rows import Listing

PORT = 8765
"""Where it listens unless it is told: where that is taken, at any free port."""


@dataclass(frozen=True)
class Settings:
    """What `heliostat ui` was asked for; `cluster` is an address of Ray, None for no cluster."""

    runs: Path
    host: str = "127.0.0.1"
    port: int | None = None
    token: str | None = None
    cluster: str | None = None


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens; raises ConfigError where that cannot be."""
    try:
        found = socket.getaddrinfo(
            host, PORT if port is None else port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise ConfigError("--host", host, "an address of this machine", str(error)) from error
    family, kind, protocol, _, address = found[0]
    places = [address] if port is not None else [address, (address[0], 0, *address[2:])]
    refused = None
    for place in places:
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(place)
            listening.listen(128)
            return listening
        except OSError as error:
            listening.close()
            refused = error.strerror
    if port is None:
        raise ConfigError("--host", host, "an address of this machine", str(refused))
    raise ConfigError("--port", port, f"a free port of {host}", str(refused))


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve the pages until the process is told to stop; `ready` gets their address once."""
    import uvicorn

    token = settings.token
    if token is not None:
        check_token(token)
    elif not is_loopback(settings.host):
        token = secrets.token_urlsafe(24)
    listening = listen(settings.host, settings.port)
    port = int(listening.getsockname()[1])
    drawer = Drawer()
    nodes = None if settings.cluster is None else Nodes(settings.cluster)
    listing = Listing(settings.runs, Remembered(place_for(settings.runs)))
    pages = Pages(listing, drawer, None if nodes is None else nodes.page)
    config = uvicorn.Config(
        Access(pages.app(), settings.host, port, token),
        log_config=None,
        access_log=False,  # it would hold the token
        server_header=False,
        proxy_headers=False,  # nobody is believed to be another
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    if not os.environ.get("HELIOSTAT_DEBUG"):
        # its log would write what strangers named on the terminal, which obeys it
        logging.getLogger("uvicorn.error").disabled = True
    ready(address_of(settings.host, port, token))
    try:
        with suppress(KeyboardInterrupt):  # the usual end
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()
        drawer.close()
        if nodes is not None:
            nodes.close()


def address_of(host: str, port: int, token: str | None) -> str:
    """Return what to open in a browser."""
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={token}" if token is not None else "")
