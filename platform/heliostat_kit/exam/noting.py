"""Runs the command line and notes what a method does to the machine meanwhile.

``python -m heliostat_kit.exam.noting FILE ARGUMENTS`` appends a JSON object a line to FILE: a
path that was written, a process that was started, a global generator that was used.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from types import ModuleType

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# Which arguments of an audit event are paths that change, each with the one that holds the folder
# it is relative to.
_CHANGED: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.mkdir": ((0, 2),),
    "os.rmdir": ((0, 1),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.link": ((1, 3),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
}
_FORKS = {
    "os.fork": "a copy of its own process (os.fork)",
    "os.forkpty": "a copy of its own process (os.forkpty)",
}
# What these start raises no other event.
_SPAWNING = ("multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver")


class Notes:
    """What was seen so far, written to a file that outlives the process."""

    def __init__(self, file: str) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.in_search = self.importing = False

    def add(self, **note: object) -> None:
        """Write one line."""
        os.write(self._descriptor, (json.dumps(note) + "\n").encode())

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event of Python."""
        try:
            for path in _written(event, arguments):
                self.add(written=path)
            if self.in_search and not self.importing:
                started = _started(event, arguments)
                if started:
                    self.add(started=started)
        except Exception as error:  # what cannot be noted must not fail instead
            self.add(unnoted=f"{event}: {type(error).__name__}: {error}")


def _written(event: str, arguments: tuple[Any, ...]) -> list[str]:
    if event == "open":
        path, _, flags = arguments
        writes = isinstance(flags, int) and flags & _WRITING
        return [_real(path)] if writes and isinstance(path, str | bytes) else []
    if event == "sqlite3.connect":
        return _database(os.fsdecode(arguments[0]))
    paths = []
    for place, relative in _CHANGED.get(event, ()):
        if isinstance(arguments[place], int):
            continue  # a file that is open already
        path = os.fsdecode(arguments[place])
        folder = -1 if relative is None else arguments[relative]
        if isinstance(folder, int) and folder >= 0:
            path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
        if event == "os.mkdir" and os.path.isdir(path):
            continue  # it makes nothing
        if event in ("os.remove", "os.rmdir") and not os.path.lexists(path):
            continue
        head, tail = os.path.split(os.path.abspath(path))  # a link itself, not what it leads to
        paths.append(os.path.join(os.path.realpath(head), tail))
    return paths


def _database(name: str) -> list[str]:
    if name in ("", ":memory:"):
        return []
    if not name.startswith("file:"):
        return [_real(name)]
    parts = urlsplit(name)
    options = parse_qs(parts.query)
    if options.get("mode") in (["ro"], ["memory"]) or options.get("immutable") == ["1"]:
        return []
    return [_real(unquote(parts.path))]


def _started(event: str, arguments: tuple[Any, ...]) -> str:
    if event in ("subprocess.Popen", "os.posix_spawn", "os.spawn", "os.exec"):
        words = arguments[2 if event == "os.spawn" else 1]
        program = arguments[1 if event == "os.spawn" else 0]
        line = [words] if isinstance(words, str | bytes) else list(words or [program])
        return _short(" ".join(os.fsdecode(word) for word in line))
    if event == "os.system":
        return _short(os.fsdecode(arguments[0]))
    if event == "pty.spawn":
        return _short(" ".join(map(str, arguments[0])))
    if event == "import" and arguments[0] in _SPAWNING:
        return "a process of multiprocessing"
    return _FORKS.get(event, "")


def _real(path: str | bytes) -> str:
    return os.path.realpath(os.path.abspath(os.fsdecode(path)))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "..."


def _watch_search(notes: Notes) -> None:
    """Note the global generators that change in the search, and in which tasks.

    Only a difference between beginning and end counts: a named stream may stand in for the global
    one meanwhile. Libraries may draw when they are imported, which is put back.
    """
    from heliostat.worker.numerics import prepare_environment

    prepare_environment()  # before numpy is loaded
    from heliostat.driver import drive
    from heliostat.engine.conduct import conducted
    from heliostat.worker.evaluate import WorkerSide
    from heliostat_kit.exam.random_states import changed_since, put_back, random_states

    evaluate, execute = WorkerSide.evaluate, SourceFileLoader.exec_module

    def watched_search(*arguments: Any) -> str:
        before = random_states()
        notes.in_search = True
        try:
            return conducted(*arguments)
        finally:
            notes.in_search = False
            for name in changed_since(before):
                notes.add(drawn=name)

    def watched_task(worker: WorkerSide, work: Any, *more: Any) -> Any:
        before = random_states()
        try:
            return evaluate(worker, work, *more)
        finally:
            for name in changed_since(before):
                notes.add(drawn=name, task=work.function)

    def watched_import(loader: SourceFileLoader, module: ModuleType) -> None:
        if notes.importing or not notes.in_search:
            return execute(loader, module)
        before = random_states()
        notes.importing = True
        try:
            return execute(loader, module)
        finally:
            notes.importing = False
            put_back(before)

    watched = (
        (drive, "conducted", watched_search),
        (WorkerSide, "evaluate", watched_task),
        (SourceFileLoader, "exec_module", watched_import),
    )
    for owner, name, function in watched:
        setattr(owner, name, function)


def main() -> None:
    """Run the command line, watched."""
    notes = Notes(sys.argv.pop(1))
    sys.addaudithook(notes.audit)
    _watch_search(notes)
    from heliostat.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
