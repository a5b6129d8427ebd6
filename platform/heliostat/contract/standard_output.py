"""Standard output is for data: what strangers write past Python's stream goes to standard error.

A handler that kept `sys.__stdout__`, a library in C and a child write to descriptor 1, whatever
`sys.stdout` is. So data get a descriptor of their own, and 1 points where messages go.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

OUT, ERR = 1, 2
_before: IO[str] | None = None
"""Python's stream from before standard output was reserved."""


def reserve() -> None:
    """Keep standard output for what is written to `sys.stdout`, until it is released."""
    global _before
    if _before is not None or not _is_descriptor(sys.stdout):
        return
    _flush(sys.stdout)
    own = os.dup(OUT)
    _point_to_messages()
    _before = sys.stdout
    sys.stdout = os.fdopen(own, "w", encoding=_before.encoding, errors=_before.errors)


def release() -> None:
    """Let descriptor 1 be standard output again, for what comes after a command."""
    global _before
    if _before is None:
        return
    own, sys.stdout, _before = sys.stdout, _before, None
    _flush(sys.stdout)
    with suppress(OSError):
        own.flush()
        os.dup2(own.fileno(), OUT)
    with suppress(OSError):
        own.close()


@contextmanager
def apart() -> Iterator[None]:
    """Send what code inside writes to descriptor 1 to standard error."""
    here = threading.current_thread() is threading.main_thread()
    if _before is not None or not here or not _is_descriptor(sys.__stdout__):
        yield
        return
    _flush(sys.__stdout__)
    own = os.dup(OUT)
    _point_to_messages()
    try:
        yield
    finally:
        _flush(sys.__stdout__)
        os.dup2(own, OUT)
        os.close(own)


def _is_descriptor(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == OUT) and os.fstat(OUT) is not None
    except (AttributeError, OSError, ValueError):  # another stream, or it is closed
        return False


def _point_to_messages() -> None:
    try:
        os.dup2(ERR, OUT)
    except OSError:  # standard error is closed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, OUT)
        os.close(nowhere)


def _flush(stream: Any) -> None:
    with suppress(OSError, ValueError):
        stream.flush()
