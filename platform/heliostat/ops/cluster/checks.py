"""What has to be right before `ray up` can work, each with what to do when it is not.

`ray up` reports success as soon as the head is ready, whatever becomes of the workers, so most of
these would otherwise show as workers that never join.
"""

from __future__ import annotations

import json
import shlex
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from heliostat.errors import ClusterError
from heliostat.ops.cluster.copies import Copy
from heliostat.ops.cluster.file import ClusterFile, here, read
from heliostat.ops.cluster.head import Head
from heliostat.ops.cluster.mounts import is_token, sent
from heliostat.ops.cluster.nodes import Node, ask, interpreter
from heliostat.ops.cluster.starting import starting
from heliostat.ops.cluster.step import Step

NEEDED_FREE_BYTES = 5 << 30
"""Disk that libraries, torch among them, and runs need on a node."""
NEEDED_PYTHON = (3, 11)
Asked = Callable[[ClusterFile, str], Node]


def check(path: Path, ask_node: Asked = ask) -> Iterator[Step]:
    """Yield what was found, step by step; stops early when the file cannot be read."""
    try:
        file = read(path)
    except ClusterError as error:
        yield Step("file", False, str(error), "write one after the example cluster.yaml")
        return
    yield Step("file", True, f"{path}, cluster {file.name}")
    said = "; ".join(file.problems) or f"as Ray expects, provider {file.provider.get('type')}"
    yield Step("schema", not file.problems, said, "mend these keys")
    yield from starting(file)
    yield _key(file)
    yield from sent(file)
    yield from _tools()
    yield _left_over(file)
    if not file.addresses:
        yield Step("nodes", True, "skipped: the provider gives them addresses when it starts them")
        return
    yield from _nodes(file, ask_node)


def _key(file: ClusterFile) -> Step:
    given = file.auth.get("ssh_private_key")
    if not given:
        return Step("ssh key", True, "not named: ssh chooses")
    path = here(given)
    if not path.is_file():
        return Step(
            "ssh key",
            False,
            f"{path} does not exist",
            f"set auth.ssh_private_key, or: ssh-keygen -t ed25519 -f {given}",
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    return Step(
        "ssh key", not mode & 0o077, f"{path}, permissions {mode:03o}", f"chmod 600 {given}"
    )


def _tools() -> Iterator[Step]:
    beside = str(Path(sys.executable).parent)
    for tool, package in (("ssh", "openssh-client"), ("rsync", "rsync"), ("ray", "")):
        found = shutil.which(tool) or shutil.which(tool, path=beside)
        mend = f"apt-get install {package}" if package else "pip install 'ray>=2.60,<2.61'"
        yield Step(f"{tool} here", found is not None, found or "not on PATH", mend)


def _left_over(file: ClusterFile) -> Step:
    # the launcher keeps who is up in a file; one of other machines makes it wait for these
    path = Path(tempfile.gettempdir()) / "ray" / f"cluster-{file.name}.state"
    known: Any = {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Step("launcher state", True, "none")
    except (OSError, ValueError):
        pass
    same = isinstance(known, dict) and sorted(known) == sorted(file.addresses)
    return Step(
        "launcher state",
        same or not file.addresses,
        f"{path}" + ("" if same else " is of other machines"),
        f"rm {path}",
    )


def _nodes(file: ClusterFile, ask_node: Asked) -> Iterator[Step]:
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda address: ask_node(file, address), file.addresses))
    for node in found:
        yield from _node(file, node)
        yield from _copies(file, node)
    for head in (node.head for node in found if node.head is not None):
        yield _joined(file, head)
    versions = {node.address: node.python[:2] for node in found if node.python}
    if len(set(versions.values())) > 1:
        shown = ", ".join(f"{address}: {v[0]}.{v[1]}" for address, v in versions.items())
        yield Step("same python", False, shown, "Ray needs one Python version on all nodes")


def _node(file: ClusterFile, node: Node) -> Iterator[Step]:
    at = node.address
    yield Step(
        f"{at} ssh",
        node.reached,
        f"logged in as {file.auth.get('ssh_user', '')}" if node.reached else node.error,
        f"make this work without a question: {node.command}",
    )
    if not node.reached:
        return
    version = ".".join(map(str, node.python)) or "none"
    yield Step(
        f"{at} python",
        node.python >= NEEDED_PYTHON,
        f"{version} {node.python_path}".strip(),
        f"install Python 3.11 or later with venv; setup_commands use {interpreter(file)}",
    )
    yield Step(
        f"{at} disk",
        node.free_bytes >= NEEDED_FREE_BYTES,
        f"{node.free_bytes / 1e9:.1f} GB free at home",
        f"free at least {NEEDED_FREE_BYTES / 1e9:.0f} GB there",
    )
    yield Step(f"{at} rsync", node.rsync, "there" if node.rsync else "missing", "install rsync")
    if node.python:
        yield Step(
            f"{at} address",
            not node.registers_as.startswith("127."),
            f"Ray will know it as {node.registers_as}",
            "add a default route, or --node-ip-address to the ray start commands",
        )


def _copies(file: ClusterFile, node: Node) -> Iterator[Step]:
    token = [copy for copy in node.copies if is_token(file, copy.target)]
    others = [copy for copy in node.copies if copy not in token]
    for what, copies in (("token", token), ("files", others)):
        if copies:
            yield _compared(f"{node.address} {what}", copies, _sent_again(file, copies))


def _sent_again(file: ClusterFile, copies: list[Copy]) -> str:
    """Return what makes a node's copies those of here."""
    # the launcher sends only what has changed here since the state that it keeps on either side
    state = f"rm -f /tmp/ray/cluster-{file.name}.state"
    path = shlex.quote(str(file.path))
    mend = f"ray exec {path} '{state}'; {state}; {_up(file)}"
    if any(copy.extra for copy in copies):
        mend += " (what the node alone has is to be removed there by hand)"
    return mend


def _compared(name: str, copies: list[Copy], mend: str) -> Step:
    absent = [copy.target for copy in copies if copy.absent]
    wrong = [copy.said() for copy in copies if not copy.same and not copy.absent]
    same = [copy.target for copy in copies if copy.same]
    said = [*wrong]
    said += [f"as here: {', '.join(same)}"] if same and not wrong else []
    said += [f"not there yet, ray up sends it: {', '.join(absent)}"] if absent else []
    return Step(name, not wrong, "; ".join(said), mend)


def _joined(file: ClusterFile, head: Head) -> Step:
    name = f"{file.addresses[0]} ray"
    if not head.runs:
        return Step(name, True, "does not run; ray up starts it")
    if head.error:
        found = f"runs, and does not answer under the token that is there: {head.error}"
        return Step(name, False, found, f"start it under that token: {_up(file)}")
    missing = [address for address in file.addresses if address not in head.joined]
    count = f"{len(head.joined)} of {len(file.addresses)} nodes"
    found = f"{count} have joined: {', '.join(head.joined) or 'none'}"
    return Step(
        name,
        len(head.joined) >= len(file.addresses),
        found + (f"; not {', '.join(missing)}" if missing else ""),
        "workers join half a minute after ray up; later look at /tmp/ray/session_latest/logs/"
        "monitor.* on the head",
    )


def _up(file: ClusterFile) -> str:
    return f"ray up -y {shlex.quote(str(file.path))}"
