"""Running one item: its task is called, and its value or its error becomes a reply."""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable
from typing import Any

from heliostat.errors import EncodingError, Interrupted
from heliostat.values.canonical import decode, encode
from heliostat.values.names import task_named
from heliostat.values.outcome import OUT_OF_MEMORY, Failure
from heliostat.worker.context import DriverFailed, WorkerContext
from heliostat.worker.limits import limited, overdue
from heliostat.worker.process import ProcessState
from heliostat.worker.work import Reply, Work


class WorkerSide(ProcessState):
    """A process that runs tasks, one item after the other."""

    def evaluate(self, work: Work, worker: str, send: Callable[[str], None]) -> Reply:
        """Run one item; an exception becomes its failure, never the worker's end."""
        began = time.perf_counter()
        value: str | None = None
        failure: Failure | None = None
        function: Callable[..., Any] | None = None
        returned = False
        try:
            function = self._functions.get(work.function)
            if function is None:
                function = task_named(work.function, work.module)
                self._functions[work.function] = function
            with limited(work.resources.deadline, work.resources.memory):
                found = function(decode(work.item), WorkerContext(work, self, send))
                returned = True
                value = encode(found)
            self.refuse_changes(work)
        except (Interrupted, KeyboardInterrupt):
            raise
        except DriverFailed as error:
            raise error.cause from None
        except BaseException as error:  # a task may end in SystemExit, or a panic of a library
            value = None
            text = traceback.format_exc(limit=-12)
            if returned and isinstance(error, EncodingError):  # no line of the task's is in it
                text = where_defined(function, error)
            failure = Failure(_kind(error), _message(error), text)
        seconds, deadline = time.perf_counter() - began, work.resources.deadline
        if deadline and seconds > deadline:
            value, failure = None, overdue(deadline)
        return Reply(work.key, value, failure, seconds, worker)


def where_defined(task: Any, error: EncodingError) -> str:
    """Return a traceback to where the task begins whose value cannot be stored."""
    code = getattr(inspect.unwrap(task), "__code__", None)
    if code is None:
        return "".join(traceback.format_exception(error))
    frame = traceback.FrameSummary(code.co_filename, code.co_firstlineno, code.co_name)
    return "".join(
        [
            "Traceback (most recent call last):\n",
            *traceback.format_list([frame]),
            *traceback.format_exception_only(error),
        ]
    )


def _kind(error: BaseException) -> str:
    if isinstance(error, MemoryError):  # numpy's own has a private name
        return OUT_OF_MEMORY
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__qualname__}")
    )


def _message(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__
