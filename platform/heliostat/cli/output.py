"""Standard output and error of the command: a failure to write is told as what it is.

What cannot be written to standard output is a storage error, and a reader that has enough
(`export | head`) is none. Neither ends a run: what its tasks and its progress print is less than
its result, so a stream that breaks meanwhile is written to no more.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from heliostat.errors import StoreError


class Output:
    """A standard stream; all but writing is the stream's own."""

    def __init__(self, stream: Any, *, only_told: bool = False) -> None:
        self._stream = stream
        self._only_told = only_told
        """nobody is left to tell when standard error breaks"""
        self.running = False
        self.lost: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def swap(self, stream: Any) -> Any:
        """Write to another stream from here on, and return the one before."""
        self._stream, before = stream, self._stream
        return before

    def write(self, text: Any) -> int:
        """Write; raises StoreError, or BrokenPipeError, unless a run is going on."""
        if text != "":  # asking click tries that, and takes an error for an answer
            self._do(self._stream.write, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write one after the other, as `write`."""
        self._do(self._stream.writelines, lines)

    def flush(self) -> None:
        """Write what is kept back, as `write`."""
        self._do(self._stream.flush)

    @property
    def buffer(self) -> Output:
        """The same stream for bytes."""
        return Output(self._stream.buffer, only_told=self._only_told)

    def _do(self, act: Callable[..., Any], *given: Any) -> None:
        try:
            act(*given)
        except OSError as error:
            self._give_up()
            self.lost = self.lost or error
            if self._only_told or self.running:
                return
            if isinstance(error, BrokenPipeError):
                raise
            raise StoreError(self.why_lost) from error

    @property
    def why_lost(self) -> str:
        """What was lost, in words; empty for nothing, and for what its reader did not want."""
        if self.lost is None or isinstance(self.lost, BrokenPipeError):
            return ""
        return f"standard output cannot be written: {self.lost.strerror}"

    def _give_up(self) -> None:
        """Let what is kept back, and what comes, go nowhere: another try would only fail again."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def told_output() -> Iterator[Output]:
    """Put both streams in their place, and yield standard output, which knows what it lost."""
    before = sys.stdout, sys.stderr
    # a stream that was closed from the beginning is None
    out = Output(before[0] or io.StringIO())
    err = Output(before[1] or io.StringIO(), only_told=True)
    sys.stdout, sys.stderr = out, err
    try:
        yield out
    finally:
        with unbroken(), suppress(ValueError):  # a stream may be closed by now
            out.flush()
            err.flush()
        sys.stdout, sys.stderr = before


@contextmanager
def unbroken() -> Iterator[None]:
    """Let what runs inside go on whatever becomes of standard output."""
    out = sys.stdout
    if not isinstance(out, Output) or out.running:
        yield
        return
    out.running = True
    try:
        yield
    finally:
        out.running = False
