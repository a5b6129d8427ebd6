"""The commands that start Ray on head and workers: `ray up` does not look at what they say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from heliostat.ops.cluster.file import ClusterFile
from heliostat.ops.cluster.shell import Command, commands, option
from heliostat.ops.cluster.step import Step

DEFAULT_PORT = "6379"
HEAD, WORKER = "head_start_ray_commands", "worker_start_ray_commands"
SETUP = ("initialization_commands", "setup_commands", "head_setup_commands",
         "worker_setup_commands")  # fmt: skip
EXAMPLE = "write it as in the example cluster.yaml"


@dataclass(frozen=True)
class _Start:
    """The `ray start` of a list: its arguments, or why there is none."""

    command: Command | None
    arguments: tuple[str, ...] = ()
    reason: str = ""


def starting(file: ClusterFile) -> Iterator[Step]:
    """Yield what was found about the commands of a file."""
    head = _start(file, HEAD)
    wrong = head.reason
    if head.command is not None and "--head" not in head.arguments:
        wrong = "ray start without --head"
    elif head.command is not None and option(head.arguments, "--autoscaling-config") is None:
        wrong = "without --autoscaling-config, so that no worker is ever started"
    given = HEAD in file.values  # else Ray's own commands are used
    yield Step("head start", not given or not wrong, wrong or "ray start --head", EXAMPLE)
    if file.provider.get("type") == "local" and (head.command is not None or not given):
        variables = head.command.variables if head.command is not None else {}
        pinned = variables.get("RAY_enable_autoscaler_v2") == "0"
        yield Step(
            "autoscaler",
            pinned,
            "version 1" if pinned else "version 2, which never starts workers of type local",
            f"begin the command in {HEAD} with RAY_enable_autoscaler_v2=0",
        )
    yield _workers(file, option(head.arguments, "--port") or DEFAULT_PORT)
    there = any("RAY_AUTH_MODE=token" in word for word in words(file, *SETUP))
    yield Step(
        "token mode",
        there,
        "set on the nodes" if there else "not set on the nodes",
        "export RAY_AUTH_MODE=token in setup_commands, as the example does",
    )


def words(file: ClusterFile, *keys: str) -> Iterator[str]:
    """Yield the words of command lists; neither comments nor lines that no shell can read."""
    for line in file.commands(*keys):
        yield from _words(line)


def _words(line: str) -> Iterator[str]:
    with contextlib.suppress(ValueError):
        for command in commands(line):
            for word in command.words:  # a quoted line may be a command again, for .bashrc
                yield from _words(word) if " " in word else [word]


def _workers(file: ClusterFile, port: str) -> Step:
    start = _start(file, WORKER)
    address = option(start.arguments, "--address")
    if WORKER not in file.values:
        wrong = "" if port == DEFAULT_PORT else _other_port(DEFAULT_PORT, port)
    elif start.command is None:
        wrong = start.reason
    elif not address:
        wrong = "ray start without --address: it would not join the head"
    else:
        _, colon, there = address.rpartition(":")
        wrong = "" if colon else f"no port in --address={address}"
        if there.isdecimal() and port.isdecimal() and there != port:
            wrong = _other_port(there, port)
    mend = f"in {WORKER}: ray start --address=$RAY_HEAD_IP:{port}"
    return Step("worker start", not wrong, wrong or f"ray start, to the head's port {port}", mend)


def _other_port(theirs: str, port: str) -> str:
    return f"workers look for port {theirs}, the head listens at {port}"


def _start(file: ClusterFile, key: str) -> _Start:
    for line in file.commands(key):
        try:
            for command in commands(line):
                arguments = command.after("ray", "start")
                if arguments is not None:
                    return _Start(command, arguments)
        except ValueError as error:
            return _Start(None, reason=f"no shell can read {line!r}: {error}")
    return _Start(None, reason=f"no ray start among {key}")
