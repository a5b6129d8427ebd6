"""Who is told which run `last` turned out to be: the command line says it, a library does not."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

tell_last: ContextVar[Callable[[str], None] | None] = ContextVar("tell_last", default=None)


def told_last(run: str) -> None:
    """Tell of the run that `last` stands for, whoever wants to know."""
    tell = tell_last.get()
    if tell is not None:
        tell(run)
