"""Tasks whose names are not what they seem, and tasks that change the number of threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def draw(item: int, ctx: Any) -> int:
    """Return one."""
    return 1


def tenfold(task: Callable[..., int]) -> Callable[..., int]:
    """Return a task that keeps the name of the one it changes."""

    @functools.wraps(task)
    def changed(item: int, ctx: Any) -> int:
        return 10 * task(item, ctx)

    return changed


ten = tenfold(draw)


@tenfold
def decorated(item: int, ctx: Any) -> int:
    """Return ten, by a name that leads to it."""
    return 1


def threads(item: int, ctx: Any) -> list[int]:
    """Return the threads that torch and the other libraries have, and leave two behind."""
    import torch
    from threadpoolctl import threadpool_info, threadpool_limits

    found = [torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())]
    if item % 2:
        torch.set_num_threads(2)
    else:
        threadpool_limits(2)
    return found
