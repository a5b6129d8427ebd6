"""Stopping: a run that is asked to end, in good order or at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from heliostat.engine.engine import Engine
from heliostat.errors import Interrupted
from heliostat.terminal import messages, printable

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask a run to stop."""
STOP_SECONDS = 5.0
"""How long an interrupted run waits for what workers are about to finish."""
SWALLOW_SECONDS = 3
"""How long after that a search that does not let the interruption through may still go on."""
SWALLOWED = (
    "the search caught the interruption; catch Exception instead of BaseException, so that a run "
    "can be stopped"
)
STOPPED = "stopped; what was done is kept. Go on with:  {}"


@contextmanager
def stoppable(
    engine: Engine, last_words: Callable[[], None], *, may_exit: bool = True
) -> Iterator[Callable[[], None]]:
    """First Ctrl-C, TERM or HUP: stop at the next use of `run`; a second one ends at once.

    All of a run belongs inside, to the end of its workers. What is yielded is called when its
    search is over: from then on nothing has to be hurried. A closed terminal (HUP) is no second
    signal, since it may come twice, and none at all where it was ignored before, as `nohup` has it.
    `last_words` is called where the process ends without coming back from the search. Without
    `may_exit` (a notebook's process holds more than the run) Interrupted is raised there instead,
    wherever the search is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    tries: list[int] = []
    over: list[bool] = []

    def leave() -> NoReturn:
        if not may_exit:
            raise Interrupted("the run was asked to stop at once")
        last_words()
        os._exit(130)

    def handle(number: int, frame: object) -> None:
        if engine.stopping:
            if number != signal.SIGHUP and (may_exit or not over):
                leave()
            return
        engine.stop()
        if not over:
            signal.signal(signal.SIGALRM, overdue)
            signal.alarm(int(STOP_SECONDS))

    def overdue(number: int, frame: object) -> None:
        # A task that runs in this process holds the search up: leave it where it is.
        if not may_exit:
            signal.alarm(SWALLOW_SECONDS)
        if engine.turns.side_by_side:
            leave()  # the main thread only waits here; commits are whole either way
        if tries:
            text = f"{engine.place()}: {SWALLOWED}"
            engine.log.add("warning", text)
            with suppress(OSError):  # the terminal may be closed
                os.write(messages(), f"warning: {printable(text)}\n".encode())
            leave()
        tries.append(number)
        signal.alarm(SWALLOW_SECONDS)
        raise Interrupted("a task in this process did not end in time")

    def search_is_over() -> None:
        over.append(True)
        signal.alarm(0)

    before = {
        number: signal.signal(number, handle)
        for number in STOPPING
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield search_is_over
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
