"""`heliostat ui`: runs in a browser, live, read-only."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import click

from heliostat.contract.commands import runs_option
from heliostat.errors import ConfigError, HeliostatError
from heliostat.terminal import say

NEEDED = ("starlette", "uvicorn")
TOKEN_VARIABLE = "HELIOSTAT_UI_TOKEN"


@click.command()
@runs_option
@click.option("--port", type=int, help="Port to listen at [default: 8765, or any that is free].")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--token",
    envvar=TOKEN_VARIABLE,
    help=f"What a browser has to know, also {TOKEN_VARIABLE} [default: none on this machine "
    "alone, else one that is made and printed].",
)
@click.option(
    "--open/--no-open",
    "opens",
    default=None,
    help="Open a browser [default: where there is a desktop].",
)
@click.option(
    "--cluster",
    is_flag=False,
    flag_value="auto",
    metavar="[ADDRESS]",
    help="Show the nodes of a Ray cluster, too [ADDRESS: auto].",
)
def ui(
    runs: Path | None,
    port: int | None,
    host: str,
    token: str | None,
    opens: bool | None,
    cluster: str | None,
) -> None:
    """Show runs in a browser: the list, one live, several compared. Nothing is changed."""
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            raise HeliostatError(
                f"heliostat ui needs {name}, which is not installed; install it with: "
                "pip install 'heliostat[ui]'"
            )
    if port is not None and not 0 <= port < 65536:
        raise ConfigError("--port", port, "a number from 0 (any free port) to 65535")
    from heliostat.store.folder import runs_root
    from heliostat.ui.serve import Settings, serve

    root = runs_root(runs)

    def ready(address: str) -> None:
        say(f"{address} shows the runs in {root}; Ctrl-C ends it")
        if _desktop() if opens is None else opens:
            import webbrowser

            webbrowser.open(address)

    serve(Settings(root, host, port, token, cluster), ready)


def _desktop() -> bool:
    """Return whether a person sits before a screen of this machine."""
    if not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
