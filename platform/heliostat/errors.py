"""Every error a user or a plugin author can meet, with the exit code it ends a command with.

A message says what was wrong, where, what was expected and what to do next. Errors of the user's
making never show a traceback; `exit_code` is what the command line returns.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from heliostat.terminal import printable_lines

Key = tuple[int, ...]

LONGEST_NAME = 200
LIKENESS = 0.6
"""How alike a name and a choice have to be, from 0 to 1, for the one to be taken for the other."""
MOST_CHOICES = 20
"""Choices that a message lists."""
MOST_RUNS = 5
"""Runs that a message lists."""


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the valid choice that looks most like `name`, or None when nothing comes close."""
    if len(name) > LONGEST_NAME:
        return None  # no name is that long, and comparing takes time with its square
    import difflib

    found = difflib.get_close_matches(name, list(choices), n=1, cutoff=LIKENESS)
    return found[0] if found else None


def did_you_mean(name: str, choices: Iterable[str], most: int = MOST_CHOICES) -> str:
    """Return a sentence that names the nearest choice, or lists them when nothing comes close."""
    ordered = list(choices)
    close = nearest(name, ordered)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"valid choices: {listed(ordered, most)}" if ordered else "there are no choices"


def listed(names: Sequence[str], most: int = MOST_CHOICES) -> str:
    """Return names with commas between them, and how many there are when not all are shown."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def shown(value: object, most: int = 120) -> str:
    """Return a value as a message shows it: on one line, and not a megabyte of it."""
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def told(error: BaseException) -> str:
    """Return kind and message of an error; a stranger's may fail to have one."""
    try:
        message = str(error)
    except Exception:
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def place_of(error: BaseException) -> str:
    """Return the innermost line that an error came from, as people look for it."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return f"line {frames[-1].lineno} of {os.path.basename(frames[-1].filename)}" if frames else ""


class HeliostatError(Exception):
    """Base of all errors that Heliostat raises on purpose."""

    exit_code = 1

    def __str__(self) -> str:
        """Return the message; what it quotes of others is shown by a terminal, never obeyed."""
        return printable_lines(super().__str__())


class ConfigError(HeliostatError):
    """A configuration value is not usable: names the field, the value and what was expected."""

    exit_code = 2

    def __init__(
        self,
        field: str,
        got: object,
        expected: str,
        hint: str = "",
        source: str = "",
    ) -> None:
        self.field, self.got, self.expected, self.hint, self.source = (
            field,
            got,
            expected,
            hint,
            source,
        )
        where = f"{source}: " if source else ""
        super().__init__(
            f"{where}{field[:LONGEST_NAME]} = {shown(got)}: expected {expected}"
            + (f"; {hint}" if hint else "")
        )

    def in_file(self, source: str) -> ConfigError:
        """Return the same error with the file that it comes from."""
        return ConfigError(self.field, self.got, self.expected, self.hint, source)


class PluginError(HeliostatError):
    """A plugin cannot be used."""

    exit_code = 3


class UnknownMethod(PluginError):
    """No method of that name is available."""

    exit_code = 2

    def __init__(self, name: str, choices: Iterable[str], hint: str = "") -> None:
        more = f"; {hint}" if hint else ""
        super().__init__(f"unknown method {shown(name)}; {did_you_mean(name, choices)}{more}")


class UnknownPart(PluginError):
    """No part of that kind and name is available."""

    exit_code = 2

    def __init__(self, kind: str, name: str, choices: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"unknown {kind} {shown(name)}; {did_you_mean(name, choices)}")


class DataError(HeliostatError):
    """The data cannot be used as they are: names the data set, the column or row and the reason."""

    exit_code = 2


class EncodingError(HeliostatError):
    """A value has no canonical encoding, so it cannot be journaled."""

    exit_code = 3
    place: str
    """where in a run it came up, once a sub-search was left with it"""


class ExecutionError(HeliostatError):
    """The work could not be carried out."""

    exit_code = 4
    shown_under: Key | None = None
    """the key under which `heliostat show RUN KEY` has the whole failure, where there is one"""


class TaskError(ExecutionError):
    """A task failed and the search asked for its value anyway.

    `where`: what the search says of the place, as people know it ("round 3, block 5"); `frames`:
    the lines of the task's own code that it failed in, as Python prints them.
    """

    def __init__(
        self,
        key: Key,
        kind: str,
        message: str,
        traceback: str = "",
        where: str = "",
        frames: str = "",
    ) -> None:
        self.key, self.kind, self.message, self.traceback = key, kind, message, traceback
        self.where = where
        text = f"task {key_text(key)} failed ({kind})" + (message and f": {message}")
        text += frames and f"\n{frames}"
        super().__init__(f"{where}: {text}" if where else text)


class TooManyFailures(ExecutionError):
    """Every task of a call failed, or those that came first: going on would only fail more.

    `at` is the key of the first one, whose message a search is not shown.
    """

    def __init__(
        self,
        key: Key,
        function: str,
        count: int,
        first: str,
        *,
        at: Key,
        early: bool = False,
    ) -> None:
        self.at = at
        self._told = key, function, count, early
        which = "the first" if early else "all"
        super().__init__(
            f"{which} {count} tasks of call {key_text(key)} ({function}) failed; first: {first}"
        )

    def with_first(self, first: str) -> TooManyFailures:
        """Return the same error with more to say of the first failure."""
        key, function, count, early = self._told
        return TooManyFailures(key, function, count, first, at=self.at, early=early)


class ResourceError(ExecutionError):
    """A task asks for resources that no node can give."""

    def __init__(self, wanted: str, available: str, hint: str = "") -> None:
        super().__init__(
            f"resources cannot be met: wanted {wanted}, available {available}"
            + (f"; {hint}" if hint else "")
        )


class MisuseError(ExecutionError):
    """A search used `run` in a way that would make its result depend on chance."""

    place: str
    """where in a run it came up, once a sub-search was left with it"""


class StoreError(HeliostatError):
    """The run folder cannot be read or written."""

    exit_code = 5


class RunNotFound(StoreError):
    """No run matches the given name, or several do; `choices` are the newest first."""

    def __init__(
        self, name: str, choices: Iterable[str], root: str, *, several: bool = False
    ) -> None:
        if several:
            them = listed(list(choices), MOST_RUNS)
            text = (
                f"several runs of {root} have {shown(name)} in their names: {them}; give more of it"
            )
        else:
            there = list(choices)
            hint = did_you_mean(name, there, MOST_RUNS) if there else "there are no runs there"
            text = f"no run {shown(name)} in {root}; {hint}"
        super().__init__(text)


class RunLocked(StoreError):
    """Another process is driving this run."""

    def __init__(self, run: str, pid: int | str, host: str) -> None:
        super().__init__(f"run {run} is being driven by process {pid} on {host}; wait or stop it")


class IdentityChanged(StoreError):
    """A resumed run would not be the same run: names the first difference."""

    def __init__(self, what: str, stored: object, now: object, hint: str) -> None:
        super().__init__(f"{what} changed since this run began: was {stored}, is {now}; {hint}")


class ReplayMismatch(StoreError):
    """On resume the search asked for something else than the journal holds."""

    def __init__(self, key: Key, what: str, stored: str, asked: str) -> None:
        self.key = key
        super().__init__(
            f"resume asked for another {what} at {key_text(key)}: "
            f"journal has {_short(stored)}, the search asks {_short(asked)}; "
            "the search is not deterministic, or its code or data changed"
        )


class ResultChanged(StoreError):
    """A finished run came to something else when its search was replayed."""

    def __init__(self, search: str, what: str, stored: str, now: str) -> None:
        cause = (
            "the items that it asked for, or their values, are others"
            if what == "digest"
            else "all items and values are equal, so it depends on something else: time, order, "
            "a global random state"
        )
        super().__init__(
            f"{search} came to another {what} than when the run finished: was {_short(stored)}, "
            f"is {_short(now)}; {cause}. The run keeps what it finished with"
        )


class CorruptStore(StoreError):
    """Bytes in the run folder are not what was written."""

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(f"{path} is damaged: expected {expected}, found {found}")


class ClusterError(HeliostatError):
    """A cluster cannot be reached or used."""

    exit_code = 6


class NotStarted(ClusterError):
    """No work could begin: no cluster answers, too few nodes join it, or Ray does not start."""


class RayMissing(NotStarted):
    """Ray is not installed, or its import fails."""


class Interrupted(BaseException):
    """The run was asked to stop; raised inside `run.*` and meant to pass through the search."""

    exit_code = 130
    run: str = ""
    """The name of the run, for whoever started it from Python."""


class Paused(Interrupted):
    """The machine loses workers of many items: going on here would make failures of them."""

    exit_code = 7

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def key_text(key: Key) -> str:
    """Return a key as people read it: 3.1 for (3, 1)."""
    return ".".join(map(str, key)) or "root"


def _short(text: str, limit: int = 160) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
