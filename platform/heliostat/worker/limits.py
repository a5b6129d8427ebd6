"""Limits of one item: wall-clock seconds and memory. What exceeds one is that item's failure.

Both depend on the machine, so a run in which one was reached says so in its labels; a limit in
steps, inside the task, gives the same result everywhere.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from heliostat.values.outcome import DEADLINE, Failure

RING_AGAIN_SECONDS = 0.5
"""How soon a task that caught the first interruption gets another."""
_NO_LIMITS = nullcontext()
_STATM = Path("/proc/self/statm")
_pauses: list[Callable[[], AbstractContextManager[None]]] = []
"""How each limit in force is set aside; at most one item runs at a time."""


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
def lifted() -> Iterator[None]:
    """Run the driver's own code inside a task: no limit of the item that runs now applies to it.

    A deadline that passes meanwhile raises DeadlineReached at the end.
    """
    with ExitStack() as pauses:
        for pause in reversed(_pauses):  # the alarm first: it must not ring between the others
            pauses.enter_context(pause())
        yield


class _Bell:
    """Rings when an item's time is over; one that rings while it is held is heard afterwards."""

    def __init__(self) -> None:
        self.armed = True
        self._held = False
        self._rang = False

    def ring(self, number: int, frame: object) -> None:
        if self._held:
            self._rang = True
        elif self.armed:
            raise DeadlineReached

    @contextmanager
    def held(self) -> Iterator[None]:
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._rang:
            raise DeadlineReached


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return
    bell = _Bell()
    before = signal.signal(signal.SIGALRM, bell.ring)
    _pauses.append(bell.held)
    signal.setitimer(signal.ITIMER_REAL, seconds, RING_AGAIN_SECONDS)
    try:
        try:
            yield
        finally:
            bell.armed = False
    finally:  # reached even if the alarm rang in the block above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        _pauses.remove(bell.held)


@contextmanager
def _memory(allowed: int) -> Iterator[None]:
    if not allowed or not _STATM.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits = [now + allowed, *(n for n in (soft, hard) if n != resource.RLIM_INFINITY)]

    @contextmanager
    def without() -> Iterator[None]:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))

    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    _pauses.append(without)
    try:
        yield
    finally:
        _pauses.remove(without)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
