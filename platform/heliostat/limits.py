"""Limits of one item: wall-clock seconds and memory. What exceeds one is that item's failure.

Both depend on the machine, so a run in which one was reached says so in its labels; a limit in
steps, inside the task, gives the same result everywhere.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from heliostat.outcome import DEADLINE, Failure

RING_AGAIN_SECONDS = 0.5
"""How soon a task that caught the first interruption gets another."""
_NO_LIMITS = nullcontext()
_STATM = Path("/proc/self/statm")


class DeadlineReached(BaseException):
    """Ends a task of this process; not an Exception, so that tasks do not catch it by accident."""


def limited(deadline: float, memory: int) -> AbstractContextManager[None]:
    """Hold the code inside to `deadline` seconds and `memory` bytes more than now; 0 is no limit.

    Seconds are enforced in the main thread only: no other thread can be interrupted. Raises
    DeadlineReached or MemoryError inside.
    """
    return _limited(deadline, memory) if deadline or memory else _NO_LIMITS


@contextmanager
def _limited(deadline: float, memory: int) -> Iterator[None]:
    with _memory(memory), _alarm(deadline):
        yield


def overdue(deadline: float) -> Failure:
    """Return the failure of an item that took longer than `deadline` seconds."""
    return Failure(DEADLINE, f"not done within its deadline of {deadline:g} s")


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def ring(number: int, frame: object) -> None:
        if armed:
            raise DeadlineReached

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, RING_AGAIN_SECONDS)
    try:
        try:
            yield
        finally:
            armed = False
    finally:  # reached even if the alarm rang in the block above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _memory(allowed: int) -> Iterator[None]:
    if not allowed or not _STATM.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits = [now + allowed, *(n for n in (soft, hard) if n != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
