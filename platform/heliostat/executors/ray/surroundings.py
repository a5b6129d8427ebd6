"""What belongs to the driver and not to Ray: its signal handlers, its global random generators.

Ray draws ports and names from `random` and puts handlers of its own in place of those that stop a
run in good order. The processes that it starts share the terminal with the driver: one that is
closed would end them before the driver can commit what they finished, so they are started with
that signal blocked, as Ray itself does with Ctrl-C.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def left_alone() -> Iterator[None]:
    """Put back what Ray changes inside."""
    drawn, drawn_by_numpy = random.getstate(), np.random.get_state()
    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _HANDLED} if main else {}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        random.setstate(drawn)
        np.random.set_state(drawn_by_numpy)
