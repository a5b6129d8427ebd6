"""Ray's compiled parts write to descriptor 2, whatever they were told; the run's log is the place.

While it is theirs, Python's own messages go to a duplicate of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

ERR = 2
LONGEST = 1 << 16
"""Characters that are kept, from the end."""
_LEVEL = "RAY_BACKEND_LOG_LEVEL"
_REFUSED = "InvalidAuthToken"


@contextmanager
def kept(lines: list[str]) -> Iterator[None]:
    """Add to `lines` what code inside writes to descriptor 2, each reason once."""
    try:
        own = os.dup(ERR)
    except OSError:  # standard error is closed
        yield
        return
    with tempfile.TemporaryFile() as file, _messages_to(own):
        os.dup2(file.fileno(), ERR)
        try:
            yield
        finally:
            os.dup2(own, ERR)
            lines += _lines(file)


@contextmanager
def _messages_to(descriptor: int) -> Iterator[None]:
    """Let Python's own messages go to this descriptor, which is closed in the end."""
    before: Any = sys.stderr
    ours: Any = os.fdopen(descriptor, "w", buffering=1, errors="backslashreplace")
    put: Callable[[Any], Any] | None = None
    with suppress(AttributeError, OSError, ValueError):
        before.flush()
        if before.fileno() == ERR:
            put = getattr(before, "swap", None) or _put
    replaced = None if put is None else put(ours)
    try:
        yield
    finally:
        if put is not None:
            put(replaced)
        ours.close()


def _put(stream: Any) -> Any:
    sys.stderr, before = stream, sys.stderr
    return before


@contextmanager
def only_fatal() -> Iterator[None]:
    """Let Ray in this process, if it starts inside, write nothing later but why it crashed.

    Its errors arrive as messages too; these are logged.
    """
    if _LEVEL in os.environ:
        yield
        return
    os.environ[_LEVEL] = "fatal"
    try:
        yield
    finally:
        os.environ.pop(_LEVEL, None)


def why_refused(lines: list[str]) -> str:
    """Return that the cluster has another token, if that is what Ray's lines say; empty if not."""
    return "the cluster has another token" if any(_REFUSED in line for line in lines) else ""


def _lines(file: Any) -> list[str]:
    """Return the lines, once for each text behind `]`, where Ray's time and process end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LONGEST))
    lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return list({line.partition("] ")[2] or line: line for line in lines}.values())
