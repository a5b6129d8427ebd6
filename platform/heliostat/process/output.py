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
_own: IO[str] | None = None
"""The stream that data go to meanwhile."""


def reserve() -> None:
    """Keep standard output for what is written to `sys.stdout`, until it is released."""
    global _before, _own
    if _before is not None or not _is_descriptor(sys.stdout):
        return
    _flush(sys.stdout)
    own = os.dup(OUT)
    _point_to_messages()
    stream = os.fdopen(own, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    swap = getattr(sys.stdout, "swap", None)  # a stream that tells what it could not write
    if swap is None:
        _before, sys.stdout = sys.stdout, stream
    else:
        _before = swap(stream)
    _own = stream


def release() -> None:
    """Let descriptor 1 be standard output again, for what comes after a command."""
    global _before, _own
    if _before is None or _own is None:
        return
    own, before, _own, _before = _own, _before, None, None
    swap = getattr(sys.stdout, "swap", None)
    if swap is not None:
        swap(before)
    elif sys.stdout is own:
        sys.stdout = before
    _flush(before)
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
