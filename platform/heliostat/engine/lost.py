"""What a search left without looking at it: outcomes that it asked for, errors in threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Lost:
    """What nobody took in one start of a run."""

    untaken: int = 0
    """Outcomes that were submitted, or branches begun, and not taken with `next`."""
    errors: list[BaseException] = field(default_factory=list)
    """What ended a thread, or refused a use of `run` in one."""

    def add_error(self, error: BaseException) -> None:
        """Note an error that the search itself may never see."""
        if not any(error is other for other in self.errors):
            self.errors.append(error)

    @contextmanager
    def threads_watched(self) -> Iterator[None]:
        """Note errors that end a thread while the code inside runs; they are shown as ever."""
        before = threading.excepthook

        def note(ended: threading.ExceptHookArgs) -> None:
            if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
                self.add_error(ended.exc_value)
            before(ended)

        threading.excepthook = note
        try:
            yield
        finally:
            threading.excepthook = before
