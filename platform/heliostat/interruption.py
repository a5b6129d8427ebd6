"""Stopping: a run that is asked to stop, and code of a plugin that only pretends to be.

KeyboardInterrupt, Interrupted and SystemExit end a process without a word when they come from a
signal. From a plugin's own `raise` they are mistakes like any other, so whoever calls a plugin
has to know whether a signal arrived meanwhile.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from heliostat.errors import Interrupted, PluginError, told

if TYPE_CHECKING:
    from heliostat.engine import Engine

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
def arrivals() -> Iterator[list[int]]:
    """Yield the signals that arrive inside, as a list that grows; what they do stays the same.

    Handlers that the code inside puts in their place are taken out again.
    """
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # no signal arrives there
        yield arrived
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    alarm = signal.getsignal(signal.SIGALRM)

    def note(number: int, frame: object) -> None:
        arrived.append(number)
        handler = alarm if number == signal.SIGALRM else before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)  # type: ignore[arg-type]

    for number, handler in (*before.items(), (signal.SIGALRM, alarm)):
        if callable(handler):
            signal.signal(number, note)
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        if signal.getsignal(signal.SIGALRM) is note:  # else an interruption set its own
            signal.signal(signal.SIGALRM, alarm)


@contextmanager
def contained(what: str) -> Iterator[None]:
    """Raise PluginError naming `what` where code of a plugin would end the process."""
    with arrivals() as arrived:
        try:
            yield
        except Exception:
            raise
        except BaseException as error:
            if arrived:
                raise
            raise PluginError(f"{what} raised {told(error)}; it may not end the process") from error


@contextmanager
def stoppable(engine: Engine, last_words: Callable[[], None]) -> Iterator[None]:
    """First Ctrl-C or TERM: stop at the next use of `run`; the second ends the process at once.

    `last_words` is called where the process ends without coming back from the search.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    tries: list[int] = []

    def leave() -> NoReturn:
        last_words()
        os._exit(130)

    def handle(number: int, frame: object) -> None:
        if engine.stopping:
            leave()
        engine.stop()
        signal.signal(signal.SIGALRM, overdue)
        signal.alarm(int(STOP_SECONDS))

    def overdue(number: int, frame: object) -> None:
        # A task that runs in this process holds the search up: leave it where it is.
        if engine.turns.side_by_side:
            leave()  # the main thread only waits here; commits are whole either way
        if tries:
            text = f"{engine.place()}: {SWALLOWED}"
            engine.log.add("warning", text)
            os.write(2, f"warning: {text}\n".encode())
            leave()
        tries.append(number)
        signal.alarm(SWALLOW_SECONDS)
        raise Interrupted("a task in this process did not end in time")

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
