"""A job run in peace, then again and again, killed at the first commit, the second and so on.

    python killed_jobs.py FOLDER KILLS ARGUMENTS...

Prints the account of the whole run, whose folder is FOLDER/runs; what was killed after N commits
lies in FOLDER/N/runs. Says on standard error whether torch was loaded. One process loads the
libraries and the compiled kernels, and each killed driver is a fork of it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from heliostat.cli.main import run
from heliostat.store.journal import FAULT_VARIABLE


def die(folder: Path, commits: int, arguments: list[str]) -> None:
    """Run the job until the journal kills this process."""
    os.environ[FAULT_VARIABLE] = f"kill-after-commits={commits}"
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    (folder / str(commits)).mkdir()
    run([*arguments, "--runs", str(folder / str(commits) / "runs")])


def main(folder: Path, kills: int, arguments: list[str]) -> int:
    code = run([*arguments, "--runs", str(folder / "runs"), "--json"])
    print("torch was loaded:", "torch" in sys.modules, file=sys.stderr)
    sys.stdout.flush()
    for commits in range(1, kills + 1):
        child = os.fork()
        if child == 0:
            die(folder, commits, arguments)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            print(f"not killed at commit {commits}: {status}", file=sys.stderr)
            return 1
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
