"""One run at a time in a process.

Signal handlers, threads of libraries, the working folder and variables are the whole process's, and
a run holds all of them; two of them would change each other's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from heliostat.errors import MisuseError

_MEND = (
    "a process drives one run at a time. Inside of a search, work goes through run.map, run.call "
    "and run.gather; elsewhere wait for the run to end, or start the other one in a process of its "
    "own"
)
_held = threading.Lock()
_served = ""
"""The run whose tasks this process evaluates, if it is a worker."""


@contextmanager
def alone() -> Iterator[None]:
    """Hold this process for one start of a run; raises MisuseError while another one goes on."""
    if not _held.acquire(blocking=False):
        what = f"tasks of run {_served} are evaluated" if _served else "another run goes on"
        raise MisuseError(f"no run can start here: {what} in this process, and {_MEND}")
    try:
        yield
    finally:
        _held.release()


def serve(run: str) -> None:
    """Keep this process for the tasks of a run, to its end: no run starts in it."""
    global _served
    _held.acquire(blocking=False)
    _served = run
