"""The threads that a call of the kernel runs on: those of torch, as many as the work is worth."""

from __future__ import annotations

import os
from ctypes import CDLL, c_void_p, cast
from functools import lru_cache
from pathlib import Path

import torch

LEAST_WORK = 1 << 18
"""Elements of search and lookup that are worth a thread; some 5 us."""
MOST = 64
"""Threads of one call at most."""
_forked = False


def thread_count(work: int) -> int:
    """Return how many threads some work is worth, at most those of torch."""
    return max(1, min(torch.get_num_threads(), work // LEAST_WORK, MOST))


def parallel() -> int | None:
    """Return the address of the function that runs code on torch's threads, None where it has none.

    They are awake between two operators, so a call takes a microsecond or two where a pool of its
    own takes twenty, and no more threads run than torch was told. Without it the kernel makes
    threads for each call, and so does a process that was forked: torch's threads do not come along.
    """
    return None if _forked else _team()


@lru_cache(maxsize=1)
def _team() -> int | None:
    beside_torch = sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))
    for name in (*map(str, beside_torch), "libgomp.so.1", "libiomp5.so", "libomp.so"):
        try:
            loaded = CDLL(name, mode=os.RTLD_NOLOAD)  # only what torch has loaded already
            return cast(loaded.GOMP_parallel, c_void_p).value
        except (OSError, AttributeError):
            continue
    return None


def _after_fork() -> None:
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_after_fork)
