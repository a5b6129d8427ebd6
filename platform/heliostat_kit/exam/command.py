"""One command in a process of its own, and what is said of one that does not end as it should.

A plugin may crash its process, end it without a word or never end: all of that is the plugin's
verdict, told with what happened, and never an error of the kit.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from heliostat.errors import key_text
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_kit.verdict import LIMIT_SECONDS, Broken

OVERTIME = "Overtime"
_ERROR, _UNEXPECTED, _ADVICE = "error: ", "unexpected error: ", "; this is a bug of Heliostat"


class Overtime(Broken):
    """A command was not done within the limit."""


@dataclass(frozen=True)
class Failed:
    """A run that did not finish: the kind of error, what was said, and the task that failed."""

    kind: str
    message: str
    task: str = ""


class CommandRun:
    """Commands in a folder of their own; one that takes longer than `limit` seconds is ended."""

    def __init__(self, folder: Path, limit: float = LIMIT_SECONDS) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.limit = limit
        self.started: list[tuple[str, ...]] = []
        """The arguments of each process that was started, in order."""

    def command(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        noted: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `heliostat ARGUMENTS` and return what it printed, whatever its exit code is.

        With `noted`, what it does to the machine is written there (`heliostat_kit.exam.noting`).
        Raises Overtime.
        """
        module = "heliostat_kit.exam.noting" if noted else "heliostat.submit"
        self.started.append(arguments)
        line = [sys.executable, "-m", module, *([str(noted)] if noted else []), *arguments]
        # files, not pipes: a process that the plugin leaves behind would hold a pipe open
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = self._wait(line, {**os.environ, **(environment or {})}, out, err)
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        return subprocess.CompletedProcess(line, code, *texts)

    def account(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run the command with --json and return its object; fails with what it printed."""
        done = self.command(*arguments, "--json", **options)
        assert done.returncode == 0, done.stderr[-4000:]
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def _wait(
        self, line: list[str], environment: Mapping[str, str], out: IO[bytes], err: IO[bytes]
    ) -> int:
        process = subprocess.Popen(
            line,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            return process.wait(self.limit)
        except subprocess.TimeoutExpired:
            raise Overtime(
                f"not done after {self.limit:g} seconds and stopped: its search or a task does not "
                "end, or needs longer (then: --limit SECONDS, or `limit` in a test class)"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def account_in(printed: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Return a run's account from what its command printed, and the other lines."""
    lines = [line for line in printed.splitlines() if line.strip()]
    for number, line in reversed(list(enumerate(lines))):
        with contextlib.suppress(ValueError):
            account = json.loads(line)
            if isinstance(account, dict) and "digest" in account:
                return account, lines[:number] + lines[number + 1 :]
    return None, lines


def failure_of(done: subprocess.CompletedProcess[str], runs: Path) -> Failed:
    """Return what ended a run that gave no account, from its words or from how it went."""
    newest = _newest(runs)
    kind, outcomes, task = ("", 0, "") if newest is None else newest
    said = [line.strip() for line in done.stderr.splitlines() if _ERROR in line]
    if done.returncode > 0 and said:
        message = said[-1].removeprefix(_UNEXPECTED).removeprefix(_ERROR).partition(_ADVICE)[0]
        return Failed(kind, message[:600], task)
    after = f" after {outcomes} outcome{'s' if outcomes != 1 else ''}"
    if done.returncode < 0:
        number = -done.returncode
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        return Failed(
            name,
            f"{name} ended its process{after}: a compiled library crashed, the memory ran out, or "
            "the search or a task sends signals",
        )
    return Failed(
        "Exit",
        f"its process ended{after} with exit code {done.returncode}, and the run was not done: "
        "look for os._exit and sys.exit in the search and its tasks, and for what is registered "
        "with atexit",
    )


def _newest(runs: Path) -> tuple[str, int, str] | None:
    """Return what the newest run ended by: class of the error, outcomes, task that failed last."""
    found = sorted(runs.glob("*/run.db"), key=lambda path: path.stat().st_ctime_ns)
    if not found:
        return None
    try:
        view = RunView(RunFolder(found[-1].parent))
    except Exception:  # a journal that a plugin cut short
        return None
    try:
        failed = [row for row in view.outcomes() if row.failure is not None]
        task = f"task {failed[-1].function}, item {key_text(failed[-1].key)}" if failed else ""
        return view.error.partition(":")[0], view.count(), task
    except Exception:
        return None
    finally:
        view.close()
