"""One line on standard error when numba really compiles and it takes long, once in a process.

Stored machine code is loaded without a word; so is what compiles in a moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from heliostat.terminal import say

AFTER = 1.5
"""Seconds of compiling, all functions together, after which it is said."""
SAID = "compiling numerical kernels, kept for the next time; it may take a minute ..."


class Notice:
    """Adds up what compiles, and tells once when that has taken `after` seconds."""

    def __init__(self, after: float, tell: Callable[[str], object]) -> None:
        self._left, self._tell = after, tell
        self._depth = 0  # a function that compiles compiles what it calls
        self._began = 0.0
        self._timer: threading.Timer | None = None
        self._told = False

    def begin(self) -> None:
        """Take note that a function begins to compile."""
        self._depth += 1
        if self._depth > 1 or self._told:
            return
        self._began = time.monotonic()
        if self._left <= 0:
            self._say()
            return
        self._timer = threading.Timer(self._left, self._say)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Take note that it has compiled."""
        self._depth -= 1
        if self._depth == 0 and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left -= time.monotonic() - self._began

    def _say(self) -> None:
        if not self._told:
            self._told = True
            self._tell(SAID)


@cache
def watch() -> None:
    """Tell from now on, in this process."""
    from numba.core import event

    notice = Notice(AFTER, lambda text: say(text, err=True))

    class Compiling(event.Listener):
        """numba's events of a compilation; a cached function has none."""

        def on_start(self, event: Any) -> None:
            notice.begin()

        def on_end(self, event: Any) -> None:
            notice.end()

    event.register("numba:compile", Compiling())  # type: ignore[no-untyped-call]
