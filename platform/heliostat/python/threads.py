"""The threads of numerical libraries, as they were before a run: a notebook goes on after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from heliostat.worker.numerics import THREAD_VARIABLES


@contextmanager
def threads_as_before() -> Iterator[None]:
    """Put the threads back that libraries had; what a run loads first stays at one thread."""
    variables = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    torch = sys.modules.get("torch")
    number = torch.get_num_threads() if torch is not None else None
    pools = []
    if "numpy" in sys.modules or torch is not None:
        from threadpoolctl import ThreadpoolController

        controller = ThreadpoolController()
        pools = [(pool, pool.get_num_threads()) for pool in controller.lib_controllers]
    try:
        yield
    finally:
        for pool, threads in pools:
            if threads is not None and pool.get_num_threads() != threads:
                pool.set_num_threads(threads)
        if torch is not None and torch.get_num_threads() != number:
            torch.set_num_threads(number)
        for name, text in variables.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text
