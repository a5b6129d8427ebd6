"""A process of its own for what may be slow, hang or die: it answers lines of JSON with lines.

Plugins' code and Ray are kept out of the process that serves the pages.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from heliostat.errors import HeliostatError

MOST_BYTES = 64_000_000
"""The longest answer."""


class ChildFailed(HeliostatError):
    """The process did not answer; the next question starts another."""


class ChildProcess:
    """A child that runs a module; any thread may ask, one question is answered at a time."""

    def __init__(self, module: str, seconds: float, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: Any) -> Any:
        """Return the answer; raises ChildFailed for none within the time that it has."""
        with self._lock:
            process = self._started()
            try:
                assert process.stdin is not None
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
                return json.loads(self._line(process))
            except (OSError, ValueError, RecursionError) as error:
                self._end()
                raise ChildFailed(f"its process ended ({type(error).__name__})") from error
            except ChildFailed:
                self._end()
                raise

    def close(self) -> None:
        """End the child."""
        process = self._process
        if process is not None:
            with suppress(OSError):
                process.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server, which ends its children
            )
        return self._process

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        source = process.stdout.fileno()
        until = time.monotonic() + self._seconds
        parts: list[bytes] = []
        total = 0
        while not parts or not parts[-1].endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([source], [], [], left)[0]:
                raise ChildFailed(f"no answer in {self._seconds:g} s")
            part = os.read(source, 1 << 20)
            total += len(part)
            if not part:
                raise ChildFailed("its process died")
            if total > MOST_BYTES:
                raise ChildFailed(f"an answer of more than {MOST_BYTES // 1_000_000} MB")
            parts.append(part)
        return b"".join(parts)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def answer_lines(answer: Callable[[Any], Any]) -> None:
    """Answer questions until there are no more: what the module of a child does."""
    from heliostat.process.output import reserve

    reserve()
    answers, sys.stdout = sys.stdout, sys.stderr  # what strangers print is no answer
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()
