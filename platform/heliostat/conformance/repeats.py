"""Rules about two runs that must be equal, or must not: the quick run and another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from heliostat.conformance.rule import Broken, NotJudged
from heliostat.conformance.trial import Trial
from heliostat.errors import key_text
from heliostat.runs import RunFolder, RunView
from heliostat.store.journal import FAULT_VARIABLE, Row


def repeatable(trial: Trial) -> None:
    """The same run again, in another process and with a full cache, is equal."""
    first = trial.serial
    _equal(trial, first, trial.run(*trial.arguments()), "a second, equal run")


def set_order(trial: Trial) -> None:
    """Sets in another order change nothing."""
    first = trial.serial
    account, _ = trial.audited
    _equal(trial, first, account, "with sets in another order (PYTHONHASHSEED=1)")
    account = trial.run(*trial.arguments(), environment={"PYTHONHASHSEED": "2"})
    _equal(trial, first, account, "with sets in another order (PYTHONHASHSEED=2)")


def seed(trial: Trial) -> None:
    """Another seed gives another digest."""
    first = trial.serial
    other = trial.run(*trial.arguments(seed=trial.seed + 1))
    if other["digest"] == first["digest"]:
        raise Broken(f"seeds {trial.seed} and {trial.seed + 1} give the same digest")


def threads(trial: Trial) -> None:
    """Four threads asked for by the environment give the digest of one."""
    first = trial.serial
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    account = trial.run(*trial.arguments(), environment=dict.fromkeys(names, "4"))
    _equal(trial, first, account, "with four threads in the environment")


def kill_and_resume(trial: Trial) -> None:
    """The driver is killed in the middle; the resumed run ends as the uninterrupted one."""
    first = trial.serial
    fault = {FAULT_VARIABLE: f"kill-after-commits={max(1, first['outcomes'] // 2)}"}
    killed = trial.commands.command(*trial.arguments(), environment=trial.environment(**fault))
    if killed.returncode != -9:
        raise NotJudged(f"the driver ended before it could be killed: {killed.stderr[-300:]}")
    resumed = trial.run("resume", "last", "--workers", "serial")
    _equal(trial, first, resumed, "killed in the middle and resumed")
    if not resumed["replayed"]:
        raise Broken("the resumed run evaluated everything again")


def workers(count: int) -> Callable[[Trial], None]:
    """Return the rule that a run on that many Ray workers equals the serial one."""

    def check(trial: Trial) -> None:
        first = trial.serial
        account = trial.run(*trial.arguments(str(count)))
        _equal(trial, first, account, f"with {count} Ray worker{'s' if count > 1 else ''}")

    return check


def _equal(trial: Trial, first: dict[str, Any], other: dict[str, Any], how: str) -> None:
    if other["digest"] != first["digest"]:
        raise Broken(f"{how}: {_first_difference(trial, other)}")
    if other["result"] != first["result"]:
        raise Broken(
            f"{how}: all outcomes are equal, but the search returns {_text(other['result'])}, "
            f"in the first run {_text(first['result'])}"
        )


def _first_difference(trial: Trial, other: dict[str, Any]) -> str:
    view = RunView(RunFolder(trial.folder / other["folder"]))
    try:
        theirs = {row.key: row for row in view.outcomes() if not row.observed}
        mine = {row.key: row for row in trial.rows}
        for key in sorted({*mine, *theirs}):
            a, b = mine.get(key), theirs.get(key)
            if a is None or b is None:
                only = "only in this run" if a is None else "only in the first run"
                return f"outcome {key_text(key)} is asked for {only}, by {_function(a or b)}"
            for what in ("function", "item", "shared", "value"):
                was, now = getattr(a, what), getattr(b, what)
                if was != now:
                    return (
                        f"first difference at {key_text(key)} ({a.function}): {what} is "
                        f"{_text(now)}, in the first run {_text(was)}"
                    )
    finally:
        view.close()
    return "another digest"


def _function(row: Row | None) -> str:
    return "" if row is None else row.function


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."
