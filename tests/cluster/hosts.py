"""Hosts made of namespaces: own network, processes, name, home, /tmp and shared memory each.

Everything lives in mounts and processes of namespaces, so the kernel takes it all away when the
first process of the outermost one ends, however it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
BARE = ROOT / ".venv" / "bare"
"""An environment with all libraries and without Heliostat."""
HOME = Path.home()
NETWORK = "10.77.0"
GATEWAY = f"{NETWORK}.1"
TOOLS = ("ip", "unshare", "mount", "ssh", "ssh-keygen", "rsync", "sshd")
NAMESPACES = ["--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
MARK = "HELIOSTAT_IN_NAMESPACES"


def why_not() -> str:
    """Return why hosts cannot be made here, empty when they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs root on Linux, to make network namespaces"
    missing = [tool for tool in TOOLS if which(tool) is None]
    if missing:
        return (
            f"missing: {', '.join(missing)} (Debian: apt-get install iproute2 openssh-server rsync)"
        )
    if not (BARE / "bin" / "python").exists():
        return f"no {BARE}; make test-cluster sets it up"
    probe = "ip link add b0 type bridge && ip link add v0 type veth peer name v1"
    tried = subprocess.run(
        ["unshare", *NAMESPACES, "sh", "-c", probe], capture_output=True, text=True
    )
    return "" if tried.returncode == 0 else f"namespaces do not work here: {tried.stderr.strip()}"


def which(tool: str) -> str | None:
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def privatize(name: str) -> None:
    """Give this mount namespace its own home, /tmp, /run and /dev/shm; all else is read-only."""
    _do("mount", "-n", "--make-rprivate", "/")
    keep = [p for p in (ROOT, Path(sys.base_prefix)) if p != Path("/usr")]
    for path in keep:
        _do("mount", "-n", "--rbind", str(path), str(path))
        _do("mount", "-n", "-o", "remount,bind,ro", str(path))
    for private in (HOME, Path("/tmp"), Path("/run"), Path("/dev/shm")):
        fresh = Path("/mnt")
        _do("mount", "-n", "-t", "tmpfs", f"{name}{private}", str(fresh))
        fresh.chmod(0o1777 if private != HOME else 0o700)
        for path in keep:
            if path.is_relative_to(private):
                inside = fresh / path.relative_to(private)
                inside.mkdir(parents=True)
                _do("mount", "-n", "--rbind", str(path), str(inside))
        _do("mount", "-n", "--move", str(fresh), str(private))
    hosts = Path("/tmp/hosts")
    hosts.write_text(f"127.0.0.1 localhost\n{GATEWAY} client\n" + _lines())
    resolv = Path("/tmp/resolv.conf")
    resolv.write_text("options timeout:1 attempts:1\n")
    for file, target in ((hosts, "/etc/hosts"), (resolv, "/etc/resolv.conf")):
        _do("mount", "-n", "--bind", str(file), os.path.realpath(target))
    _do("mount", "-n", "-o", "remount,bind,ro", "/")
    socket.sethostname(name)
    _do("ip", "link", "set", "lo", "up")


def _lines() -> str:
    return "".join(f"{NETWORK}.{n} host{n}\n" for n in range(2, 9))


def as_first_process(command: Sequence[str]) -> int:
    """Run a command as the first process has to: collect what others leave behind."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # else it would be ignored
    child = os.spawnvp(os.P_NOWAIT, command[0], list(command))
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status)


class Host:
    """A machine of its own as far as sshd, rsync and Ray can tell."""

    def __init__(self, number: int, public_key: str, bashrc: str = "") -> None:
        self.name = f"host{number}"
        self.address = f"{NETWORK}.{number}"
        plan = {"name": self.name, "address": self.address, "key": public_key, "bashrc": bashrc}
        self._process = subprocess.Popen(
            ["unshare", *NAMESPACES, sys.executable, __file__, json.dumps(plan)],
            stdin=subprocess.DEVNULL,
        )
        self._wait_for(lambda: bool(self._children()), "its first process")
        outer = f"v{number}"
        peer = ["peer", "name", "eth0", "netns", str(self._process.pid)]
        _do("ip", "link", "add", outer, "type", "veth", *peer)
        _do("ip", "link", "set", outer, "master", "bridge0", "up")
        self._wait_for(self._answers, "sshd")

    @property
    def files(self) -> Path:
        """The host's file system as seen from outside."""
        return Path(f"/proc/{self._children()[0].pid}/root")

    def processes(self, name: str) -> list[psutil.Process]:
        """Return the host's processes of that name."""
        return [p for p in self._children() if p.name() == name]

    def of_ray(self) -> list[str]:
        """Return the names of all processes there that Ray started or that start Ray."""
        found = []
        for process in self._children():
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                if any("ray" in word for word in (process.name(), *process.cmdline())):
                    found.append(process.name())
        return found

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.address, 22)) == 0

    def _wait_for(self, done: Any, what: str) -> None:
        until = time.monotonic() + 30
        while not done():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.name}: {what} did not come up")
            time.sleep(0.05)

    def give(self, folder: Path) -> None:
        """Copy a folder of the home here to the same place in the host's home."""
        target = self.files / folder.relative_to("/")
        shutil.copytree(folder, target, dirs_exist_ok=True)

    def close(self) -> None:
        """End the host with everything on it."""
        self._process.kill()
        self._process.wait()


def make_network() -> None:
    """Make the bridge that hosts are connected to; it is the client's interface too."""
    _do("ip", "link", "add", "bridge0", "type", "bridge")
    _do("ip", "address", "add", f"{GATEWAY}/24", "dev", "bridge0")
    _do("ip", "link", "set", "bridge0", "up")


def serve(plan: dict[str, str]) -> None:
    """Become a host: runs as the first process of its namespaces and never returns."""
    privatize(plan["name"])
    ssh = HOME / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "authorized_keys").write_text(plan["key"])
    (HOME / ".bashrc").write_text(plan["bashrc"])
    (HOME / "venv").symlink_to(BARE)
    Path("/run/sshd").mkdir(mode=0o755)
    _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/tmp/host_key")
    while subprocess.run(["ip", "link", "show", "eth0"], capture_output=True).returncode:
        time.sleep(0.05)
    _do("ip", "address", "add", f"{plan['address']}/24", "dev", "eth0")
    _do("ip", "link", "set", "eth0", "up")
    # without a default route Ray registers a node as 127.0.0.1
    _do("ip", "route", "add", "default", "via", GATEWAY)
    options = {
        "HostKey": "/tmp/host_key",
        "AuthorizedKeysFile": str(ssh / "authorized_keys"),
        "StrictModes": "no",
        "UsePAM": "no",
        "UseDNS": "no",
        "PermitRootLogin": "prohibit-password",
        "MaxStartups": "100",
        "PidFile": "none",
        "Subsystem": "sftp internal-sftp",
    }
    flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    sshd = which("sshd") or "sshd"
    sys.exit(as_first_process([sshd, "-D", "-f", "/dev/null", *flags]))


def _do(*command: str) -> None:
    tool = which(command[0]) or command[0]
    done = subprocess.run([tool, *command[1:]], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
