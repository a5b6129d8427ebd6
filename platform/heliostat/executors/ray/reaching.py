"""Whether anything answers at a cluster's address: Ray itself tries for ten minutes and more."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable

TRY_SECONDS = 4.0
"""How long a connection may take, the look-up of a name and all addresses of it included."""
PAUSE_SECONDS = 1.0
_HOST_AND_PORT = re.compile(r"(?:ray://)?\[?([^\[\]/]+)\]?:(\d+)")


def why_unreachable(
    address: str,
    wait_seconds: float = 0.0,
    *,
    connect: Callable[[tuple[str, int], float], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> str | None:
    """Return why nothing takes connections at `host:port`, or None when something does.

    Tries again for `wait_seconds`. What is no host and port is left for Ray to judge.
    """
    found = _HOST_AND_PORT.fullmatch(address)
    if found is None:
        return None
    place = (found[1], int(found[2]))
    until = clock() + wait_seconds
    while True:
        try:
            (connect or _connect)(place, TRY_SECONDS)
        except (OSError, OverflowError) as error:
            if clock() >= until:
                return str(error)
            pause(PAUSE_SECONDS)
        else:
            return None


def _connect(place: tuple[str, int], seconds: float) -> None:
    # a look-up has no limit of its own, and each address of a name would get all the seconds
    ended: list[Exception | None] = []

    def knock() -> None:
        try:
            socket.create_connection(place, timeout=seconds).close()
            ended.append(None)
        except Exception as error:  # raised again below, in the caller's thread
            ended.append(error)

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise TimeoutError(f"no answer within {seconds:g} s")
    if ended[0] is not None:
        raise ended[0]
