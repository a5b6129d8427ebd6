"""Blocks of work on as many threads as torch uses; the caller's is one of them.

Compiled functions release the interpreter's lock, so plain Python threads run them side by side,
without a second OpenMP beside torch's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

LEAST_WORK = 1 << 24
"""Elements of search and lookup that are worth another thread."""
_pools: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()
os.register_at_fork(after_in_child=_pools.clear)  # threads do not come along


def thread_count(work: int) -> int:
    """Return how many threads some work is worth, at most those of torch."""
    return max(1, min(torch.get_num_threads(), work // LEAST_WORK))


def blocks(n: int, parts: int, step: int) -> list[tuple[int, int]]:
    """Return [begin, end) of at most ``parts`` blocks of n, each a multiple of ``step`` long."""
    steps = -(-n // step)
    ends = [min(n, steps * (i + 1) // parts * step) for i in range(parts)]
    begins = [0, *ends[:-1]]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if end > begin]


def each(work: Callable[[int, int], int], parts: list[tuple[int, int]]) -> list[int]:
    """Return what the work gives for each block, all at a time; an error ends the others first."""
    if len(parts) <= 1:
        return [work(begin, end) for begin, end in parts]
    pool = _pool(max(2, torch.get_num_threads()))
    others = [pool.submit(work, begin, end) for begin, end in parts[1:]]
    try:
        first = work(*parts[0])
    finally:
        done = [other.exception() for other in others]
    for error in done:
        if error is not None:
            raise error
    return [first, *(other.result() for other in others)]


def _pool(threads: int) -> ThreadPoolExecutor:
    with _lock:
        if threads not in _pools:
            _pools[threads] = ThreadPoolExecutor(threads - 1, thread_name_prefix="lutnn")
        return _pools[threads]
