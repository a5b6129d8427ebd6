"""Code of a plugin that pretends to be a signal, or changes what other runs depend on.

KeyboardInterrupt, Interrupted and SystemExit end a process without a word when they come from a
signal. From a plugin's own `raise` they are mistakes like any other, so whoever calls a plugin
has to know whether a signal arrived meanwhile. What such code changes of the process is put back.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from heliostat import terminal
from heliostat.errors import PluginError, told
from heliostat.process.state import held

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def arrivals() -> Iterator[list[int]]:
    """Yield the signals that arrive inside, as a list that grows; what they do stays the same.

    Handlers that the code inside puts in their place are taken out again.
    """
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # no signal arrives there
        yield arrived
        return
    before = {number: signal.getsignal(number) for number in _WATCHED}
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
def guarded(
    instead: Callable[[BaseException], BaseException | None], changed: Callable[[str], object]
) -> Iterator[None]:
    """Run code of a plugin inside; for what it raises, `instead(error)` is raised, None: nothing.

    KeyboardInterrupt and the like that come of a signal are no mistake of the plugin, and go on.
    State of the process that runs depend on is as before afterwards; `changed` takes what is
    said of what was not.
    """
    with arrivals() as arrived, held(changed):
        try:
            yield
        except BaseException as error:
            if arrived and not isinstance(error, Exception):
                raise
            other = instead(error)
            if other is error:
                raise
            if other is not None:
                raise other from error


def contained(what: str) -> AbstractContextManager[None]:
    """Raise PluginError naming `what` where code of a plugin inside would end the process."""

    def instead(error: BaseException) -> Exception:
        if isinstance(error, Exception):
            return error
        return PluginError(f"{what} raised {told(error)}; it may not end the process")

    return guarded(instead, lambda said: say(changed_by(what, said)))


def changed_by(what: str, said: str) -> str:
    """Return what is said of code that changed the process."""
    return f"{what} changed {said}"


def say(text: str) -> None:
    """Print a note on standard error."""
    terminal.say(f"note: {text}", err=True)
