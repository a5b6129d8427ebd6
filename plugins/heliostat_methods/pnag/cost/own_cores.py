"""The cores that this process may use: how many of them are free, and one of them for itself."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

import psutil

_IDLE = ("idle", "iowait", "guest", "guest_nice")
"""Times of a core in which it does nothing, or that its others hold already."""


class OwnCores:
    """How busy other processes keep the cores on which this process may run.

    It counts the cores of the process as it was when this was made.
    """

    def __init__(self) -> None:
        self._cores = sorted(os.sched_getaffinity(0))
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._began, self._before = time.monotonic(), self._others()

    def free(self) -> float:
        """Return how many cores others left free since `begin`, on average."""
        elapsed = time.monotonic() - self._began
        busy = (self._others() - self._before) / elapsed if elapsed > 0 else 0.0
        return min(float(len(self._cores)), max(0.0, len(self._cores) - busy))

    def _others(self) -> float:
        """Return the seconds that other processes have spent on the cores."""
        times = psutil.cpu_times(percpu=True)
        here = [times[core]._asdict() for core in self._cores if core < len(times)]
        spent = sum(value for one in here for name, value in one.items() if name not in _IDLE)
        return float(spent) - time.process_time()


@contextlib.contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Keep this thread on one core while the body runs, if one is all that it computes with."""
    allowed = os.sched_getaffinity(0)
    if threads == 1:
        os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
