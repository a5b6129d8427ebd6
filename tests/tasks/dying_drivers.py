"""Drivers that are killed within a few milliseconds of commits, again and again.

    python dying_drivers.py FOLDER KILLS

Prints JSON: for each kill whether a commit was under way and what SQLite's integrity check says of
the journal, then the digests of the killed run and of one that was left in peace.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import fault_tasks
from engine_runs import drive

from heliostat.store.journal import Journal

ROUNDS = 2000
LATEST_SECONDS = 0.01


def search(run: Any) -> int:
    first, total = run.restore((0, 0))
    for number in range(first, ROUNDS):
        total += sum(len(o.unwrap()) for o in run.map(fault_tasks.medium, range(4)))
        if number % 25 == 24:
            run.checkpoint(number + 1, total)
    return total


def die_soon(folder: Path, seconds: float, committing: mmap.mmap) -> None:
    """Go on with the run until the kernel ends this process, `seconds` after its first commit."""
    write, put = Journal._write, Journal.put

    def watched(self: Journal, action: Any) -> None:
        committing[0] = 1
        write(self, action)
        committing[0] = 0

    def armed(self: Journal, rows: Any) -> None:
        Journal.put = put  # type: ignore[method-assign]
        signal.setitimer(signal.ITIMER_REAL, seconds)  # no handler: as sudden as SIGKILL
        put(self, rows)

    Journal._write, Journal.put = watched, armed  # type: ignore[method-assign]
    drive(search, folder)


def kill_one(folder: Path, seconds: float) -> dict[str, Any]:
    committing = mmap.mmap(-1, 1)
    child = os.fork()
    if child == 0:
        die_soon(folder, seconds, committing)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    database = sqlite3.connect(folder / "run.db")
    (sound,) = database.execute("pragma integrity_check").fetchone()
    (rows,) = database.execute("select count(*) from outcome").fetchone()
    database.close()
    killed = os.WIFSIGNALED(status)
    return {"killed": killed, "inside": committing[0], "sound": sound, "rows": rows}


def main() -> None:
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    when = random.Random(1)
    (folder / "killed").mkdir(parents=True)
    died = [kill_one(folder / "killed", when.uniform(1e-5, LATEST_SECONDS)) for _ in range(kills)]
    ended, whole = drive(search, folder / "killed"), drive(search, folder / "whole")
    account = {
        "kills": died,
        "digests": [ended.digest, whole.digest],
        "evaluated": [ended.evaluated, whole.evaluated],
    }
    print(json.dumps(account))


if __name__ == "__main__":
    main()
