"""Ray's own processes, which import libraries that a malformed distribution would end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heliostat.contract.cache import can_be_written
from heliostat.distributions import malformed

STARTUP = Path(__file__).parent / "startup"
"""A folder whose `sitecustomize` makes reading tolerant before anything else is imported."""
_VARIABLE = "PYTHONPATH"
_TOKEN = "RAY_AUTH_TOKEN"
_TOKEN_SAID_BY = (_TOKEN, "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE")


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


@contextmanager
def token_without_home() -> Iterator[None]:
    """Give a local session that starts inside a token of its own, where Ray has no place for one.

    Ray keeps the token by which the processes of a session know each other in the home folder, and
    starts none without it.
    """
    folder = Path(os.path.expanduser("~/.ray"))
    if can_be_written(folder) or any(name in os.environ for name in _TOKEN_SAID_BY):
        yield
        return
    os.environ[_TOKEN] = secrets.token_hex(32)
    try:
        yield
    finally:
        del os.environ[_TOKEN]
