"""Which nodes a run has, and waiting for enough: a launcher is ready when its head is."""

from __future__ import annotations

import time
from collections.abc import Callable

from heliostat.errors import NotStarted

PAUSE_SECONDS = 1.0


def wait_for_nodes(
    alive: Callable[[], list[str]],
    wanted: int,
    seconds: float,
    say: Callable[[str], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Return when `wanted` nodes are alive; `say` is told each time that their number changes.

    `alive` returns the addresses of the nodes that are there. Raises NotStarted after `seconds`,
    naming the nodes and what to look at.
    """
    until = clock() + seconds
    said = -1
    while len(there := alive()) < wanted:
        if clock() >= until:
            raise NotStarted(_too_few(there, wanted, seconds))
        if len(there) != said:
            said = len(there)
            say(f"{said} of {wanted} nodes are there ({_names(there)})")
        pause(PAUSE_SECONDS)
    if said >= 0:
        say(f"{len(there)} of {wanted} nodes are there ({_names(there)})")


def there_now(before: list[str], now: list[str], slots: int) -> str:
    """Return on how many nodes a run begins, or goes on when some have come or gone."""
    nodes = f"{len(now)} node{'' if len(now) == 1 else 's'} ({_names(now)})"
    tasks = f"{slots} task{'' if slots == 1 else 's'} at a time"
    if before:
        return f"the run goes on with {nodes}, {tasks}; {len(before)} before"
    return f"the run begins with {nodes}, {tasks}; nodes that join later are used too"


def _names(addresses: list[str]) -> str:
    return ", ".join(sorted(addresses)) or "none"


def _too_few(there: list[str], wanted: int, seconds: float) -> str:
    return (
        f"--min-nodes {wanted}: {len(there)} joined within {seconds:g} s ({_names(there)}); "
        "on the head look at `ray status` and at /tmp/ray/session_latest/logs/monitor.*; "
        "every node needs the same ~/.ray/auth_token, RAY_AUTH_MODE=token, a way to the head's "
        "port 6379, and autoscaler v1 (heliostat cluster check looks at all of these); "
        "or wait longer with --wait"
    )
