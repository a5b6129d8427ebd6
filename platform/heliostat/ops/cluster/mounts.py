"""What a cluster file sends to the nodes: files that have to be there, and the token among them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from heliostat.ops.cluster.file import ClusterFile, here
from heliostat.ops.cluster.starting import HEAD, SETUP, WORKER, words
from heliostat.ops.cluster.step import Step

TOKEN_HINT = "ray get-auth-token --generate"
NODES_TOKEN = "~/.ray/auth_token"
"""Where Ray looks on a node, unless RAY_AUTH_TOKEN_PATH names another place."""
_MEND = f'add to file_mounts: "{NODES_TOKEN}": "~/.ray/auth_token"'


def token_path() -> Path:
    """Return where Ray looks for the cluster's token here."""
    return here(os.environ.get("RAY_AUTH_TOKEN_PATH") or "~/.ray/auth_token")


def is_token(file: ClusterFile, target: str) -> bool:
    """Return whether the cluster's token is what is sent to that place."""
    return here(file.mounts[target]) == token_path() or target == NODES_TOKEN


def sent(file: ClusterFile) -> Iterator[Step]:
    """Yield what was found about files and token."""
    token = token_path()
    missing = [s for s in file.mounts.values() if not here(s).exists() and here(s) != token]
    found = f"{len(file.mounts)} places" if not missing else f"not here: {', '.join(missing)}"
    yield Step(
        "files sent",
        not missing,
        found,
        "mend the right-hand sides in file_mounts; relative ones start in the current folder",
    )
    there = token.is_file() and bool(token.read_bytes().strip())
    state = "there" if there else "missing or empty"
    yield Step("token", there, f"{token} is {state}", TOKEN_HINT)
    yield _token_sent(file, token)


def _token_sent(file: ClusterFile, token: Path) -> Step:
    targets = [target for target, source in file.mounts.items() if here(source) == token]
    if not targets:
        return Step("token sent", False, "file_mounts does not send it", _MEND)
    named = [f"RAY_AUTH_TOKEN_PATH={target}" for target in targets]
    if any(_is_default(target) for target in targets) or any(
        name in word for word in words(file, *SETUP, HEAD, WORKER) for name in named
    ):
        return Step("token sent", True, "to every node, by file_mounts")
    return Step("token sent", False, f"to {targets[0]}, where Ray does not look for it", _MEND)


def _is_default(target: str) -> bool:
    """Return whether that is Ray's own place in the home of the user who logs in."""
    tail = NODES_TOKEN.removeprefix("~")
    home = target.removesuffix(tail)
    parts = Path(home).parts
    return target.endswith(tail) and (
        home in ("~", "$HOME", "/root") or (parts[:2] == ("/", "home") and len(parts) == 3)
    )
