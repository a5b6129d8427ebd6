"""Code of a plugin that pretends to be a signal.

KeyboardInterrupt, Interrupted and SystemExit end a process without a word when they come from a
signal. From a plugin's own `raise` they are mistakes like any other, so whoever calls a plugin
has to know whether a signal arrived meanwhile.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from heliostat.errors import PluginError, told


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
