"""A driver that says how its memory grew: `python resident_memory.py FOLDER VERB FEW MANY`.

A run of few items comes first, so that libraries, caches and buffers are there before it counts.
Both peaks are those of the whole run, with the digest and the record that come after the search.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from heliostat import MethodConfig, MethodSpec, Run, TaskContext
from heliostat.driver.start import start
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry

VALUE_BYTES = 700


class Items(MethodConfig):
    """How many items, and whether their outcomes are kept."""

    count: int = 0
    keep: bool = False


def text(item: int, ctx: TaskContext) -> str:
    return f"{item:0{VALUE_BYTES}d}"


def fold(config: Items, run: Run) -> int:
    """Add up what comes; a search that keeps outcomes holds all of them at its end."""
    total, kept = 0, []
    for outcome in run.stream(text, iter(range(config.count))):
        total += int(outcome.unwrap()[-9:])
        if config.keep:
            kept.append(outcome)
    return total


def peak_bytes() -> int:
    """Return the peak of this program; ru_maxrss would begin with that of whoever started it."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [one for one in status.read_text().splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(folder: Path, verb: str, *counts: str) -> None:
    method = MethodSpec("fold", "test", "none", Items, fold)
    for count in map(int, counts):
        account = start(
            method,
            values={"count": count, "keep": verb == "keep"},
            execution=Execution(workers=0, runs=folder / "runs", cache_dir=folder / "cache"),
            plugins=Registry(),
        )
        assert account["result"] == count * (count - 1) // 2
        print(peak_bytes())


if __name__ == "__main__":
    from resident_memory import main as run  # tasks are found by the name of their module

    run(Path(sys.argv[1]), *sys.argv[2:])
