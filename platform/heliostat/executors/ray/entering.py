"""The first thing that a worker process does for a run: its instruction level is set.

What travels to a worker is decoded there in order, and decoding a function imports its module with
the libraries that it needs. So a level travels first, and takes effect when it is decoded; this
module, which holds what Ray calls, needs no numerical library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from heliostat.worker.instructions import hold


class Level(str):
    """An instruction level that the process which decodes it is held to."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[..., str], tuple[str, str]]:
        """Return the call that decoding makes."""
        return hold, (str(self), "the run's numerics")


def call(level: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a worker at this level."""
    return function(*arguments)


def stream(level: str, function: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
    """Call a generator function in a worker at this level."""
    yield from function(*arguments)
