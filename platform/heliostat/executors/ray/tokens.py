"""The tokens by which the processes of a Ray session know each other.

A process that starts a local session demands tokens from then on, for as long as it lives. Workers
of a cluster without tokens send none, so every answer of theirs would be refused where no one sees
it, and a driver that demands them would wait for ever. So what a local session turned on is put
back when it ends, and the two sides are compared before anything is asked.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from heliostat.contract.cache import can_be_written

MODE = "RAY_AUTH_MODE"
_TOKEN = "RAY_AUTH_TOKEN"
_TOKEN_SAID_BY = (_TOKEN, "RAY_AUTH_TOKEN_PATH", MODE)


@contextmanager
def token_without_home() -> Iterator[None]:
    """Give a local session that starts inside a token of its own, where Ray has no place for one.

    Ray keeps the token in the home folder, and starts no session without it.
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


def put_back_later(read_again: Callable[[], None]) -> Callable[[], None]:
    """Return what puts the mode back as it is now, and has Ray read it again."""
    found = os.environ.get(MODE)

    def put_back() -> None:
        if os.environ.get(MODE) == found:
            return
        if found is None:
            del os.environ[MODE]
        else:
            os.environ[MODE] = found
        read_again()

    return put_back


def differing(node: str, theirs: bool, ours: bool) -> str | None:
    """Return the message for a node that does not send what this process demands, or else."""
    if theirs == ours:
        return None
    here, there = ("demands", "send none") if ours else ("sends none", "demand them")
    return (
        f"no answer would arrive from node {node}: this process {here} tokens and its processes "
        f"{there}; set {MODE} to {'token' if theirs else 'disabled'} here, as it is there, or "
        "start the cluster as cluster.yaml does"
    )
