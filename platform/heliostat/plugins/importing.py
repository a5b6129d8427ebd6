"""What may not come of an import: data spoilt, the run moved, a command that hangs mutely."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

from heliostat.process.guard import changed_by, guarded, say
from heliostat.process.output import apart

SLOW_SECONDS = 5.0
"""After this time a plugin that is still being imported is named on standard error."""


@contextmanager
def importing(
    name: str | None, failed: Callable[[BaseException], BaseException | None]
) -> Iterator[None]:
    """Import a plugin inside; `failed` takes what it raises. A built-in one (None) is not named.

    What it prints goes to standard error, because what is on standard output is data.
    """

    def changed(said: str) -> None:
        if name is not None:
            say(changed_by(f"the import of plugin {name}", said))

    with _named(name), guarded(failed, changed), apart(), redirect_stdout(sys.stderr):
        yield


@contextmanager
def _named(name: str | None) -> Iterator[None]:
    """Name a plugin that takes long, and one that a signal stopped: nothing else comes out."""
    if name is None:
        yield
        return
    text = (
        f"plugin {name} is still being imported; Ctrl-C stops it, and "
        f"heliostat --no-plugin {name} ... leaves it out"
    )
    timer = threading.Timer(SLOW_SECONDS, say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    except BaseException:
        say(f"stopped while plugin {name} was being imported")
        raise
    finally:
        timer.cancel()
