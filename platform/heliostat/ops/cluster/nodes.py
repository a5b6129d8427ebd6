"""What a machine says of itself over ssh, without anything being installed there."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass, replace

from heliostat.ops.cluster.copies import Copy, compare
from heliostat.ops.cluster.file import ClusterFile, here
from heliostat.ops.cluster.head import Head, ask_head

CONNECT_SECONDS = 10
_SCRIPT = """
for p in "$HOME/venv/bin/python" {interpreter} \\
    python3.14 python3.13 python3.12 python3.11 python3; do
  v=$("$p" -c 'import sys, venv; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
  case $v in 3.?.*|3.10.*) continue;; esac
  echo "python $v $(command -v "$p")"
  echo "address $("$p" -c '{address}' 2>/dev/null || echo 127.0.0.1)"
  break
done
echo "disk $(df -Pk "$HOME" | awk 'NR==2 {{print $4}}')"
command -v rsync >/dev/null && echo "rsync yes"
echo "end"
"""
# what Ray does to find out by which address a node is known; nothing is sent
_ADDRESS = (
    "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
    's.connect(("8.8.8.8", 80)); print(s.getsockname()[0])'
)


@dataclass(frozen=True)
class Node:
    """A machine's answer; `reached` is false when ssh did not get in, and `error` says why."""

    address: str
    reached: bool
    command: str = ""
    error: str = ""
    python: tuple[int, ...] = ()
    python_path: str = ""
    free_bytes: int = 0
    rsync: bool = False
    registers_as: str = ""
    copies: tuple[Copy, ...] = ()
    head: Head | None = None
    """What Ray says there, if it is the head's machine."""


def interpreter(file: ClusterFile) -> str:
    """Return the Python that the cluster file makes its environment with."""
    found = re.search(r"(\S*python[\d.]*) -m venv", "\n".join(file.commands("setup_commands")))
    return found.group(1) if found else "python3"


def ssh_command(file: ClusterFile, address: str) -> list[str]:
    """Return the ssh command that logs in as Ray does, but never asks a question."""
    options = [
        "BatchMode=yes",
        f"ConnectTimeout={CONNECT_SECONDS}",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
    ]
    if file.auth.get("ssh_proxy_command"):
        options.append(f"ProxyCommand={file.auth['ssh_proxy_command']}")
    words = ["ssh", *(word for option in options for word in ("-o", option))]
    if file.auth.get("ssh_private_key"):
        words += ["-o", "IdentitiesOnly=yes", "-i", str(here(file.auth["ssh_private_key"]))]
    user = file.auth.get("ssh_user")
    return [*words, "--", f"{user}@{address}" if user else address]


def ask(file: ClusterFile, address: str) -> Node:
    """Log in to a machine, let it describe itself, and compare what it holds with what is here."""
    command = ssh_command(file, address)
    shown = shlex.join([*command, "true"])
    script = _SCRIPT.format(interpreter=shlex.quote(interpreter(file)), address=_ADDRESS)
    try:
        done = subprocess.run(
            [*command, "sh -s"],
            input=script,
            capture_output=True,
            text=True,
            timeout=CONNECT_SECONDS + 30,
        )
    except FileNotFoundError:
        return Node(address, False, shown, "ssh is not installed here")
    except subprocess.TimeoutExpired:
        return Node(address, False, shown, "no answer in time")
    if "end" not in done.stdout.split():
        lines = done.stderr.strip().splitlines()
        return Node(address, False, shown, lines[-1] if lines else f"ended {done.returncode}")
    node = described(address, done.stdout, shown)
    is_head = address == file.addresses[0]
    return replace(
        node,
        copies=compare(file, command) if node.rsync else (),
        head=ask_head(command) if is_head else None,
    )


def described(address: str, text: str, command: str = "") -> Node:
    """Return the node that the script's output describes."""
    said = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    python = said.get("python", [])
    disk = said.get("disk", [])
    return Node(
        address,
        True,
        command,
        python=tuple(int(part) for part in python[0].split(".")) if python else (),
        python_path=python[1] if len(python) > 1 else "",
        free_bytes=int(disk[0]) * 1024 if disk and disk[0].isdecimal() else 0,
        rsync="rsync" in said,
        registers_as=" ".join(said.get("address", [])),
    )
