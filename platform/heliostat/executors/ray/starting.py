"""Ray's own processes, which import libraries that a malformed distribution would end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heliostat.distributions import malformed

STARTUP = Path(__file__).parent / "startup"
"""A folder whose `sitecustomize` makes reading tolerant before anything else is imported."""
_VARIABLE = "PYTHONPATH"


@contextmanager
def reading_tolerantly() -> Iterator[None]:
    """Let processes that are started inside read past malformed distributions, if there are any."""
    if not malformed():
        yield
        return
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = os.pathsep.join([str(STARTUP), *filter(None, [before])])
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
