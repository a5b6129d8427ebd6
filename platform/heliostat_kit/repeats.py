"""Rules about two runs that must be equal, or must not: the quick run and another one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from heliostat.errors import key_text
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Row
from heliostat.store.view import RunView
from heliostat_kit.attempt import Failed
from heliostat_kit.rule import Broken, NotJudged
from heliostat_kit.trial import (
    KILLED_ORDER,
    NOTED_ORDER,
    RESUMED_ORDER,
    SECOND_ORDER,
    THREADED_ORDER,
    WORKERS_ORDERS,
    Ended,
    Trial,
    finished,
)


def repeatable(trial: Trial) -> None:
    """The same run again, in another process and with a full cache, is equal."""
    first = trial.serial
    _equal(trial, first, trial.run(*trial.arguments()), "a second, equal run")


def set_order(trial: Trial) -> None:
    """Sets in other orders change nothing: in two runs of its own, and in those of other rules."""
    for order in (NOTED_ORDER, SECOND_ORDER):
        _sets(trial, order)
    _equal_or_sets(trial, trial.threaded, [THREADED_ORDER])
    resumed = trial.resumed
    if not isinstance(resumed, NotJudged):
        _equal_or_sets(trial, resumed, [KILLED_ORDER, RESUMED_ORDER])


def seed(trial: Trial) -> None:
    """Another seed gives another digest."""
    first = trial.serial
    other = trial.run(*trial.arguments(seed=trial.seed + 1))
    if other["digest"] == first["digest"]:
        raise Broken(f"seeds {trial.seed} and {trial.seed + 1} give the same digest")


def threads(trial: Trial) -> None:
    """Four threads asked for by the environment give the digest of one."""
    how = "with four threads in the environment"
    _equal(trial, trial.serial, finished(trial.threaded, f"run {trial.method}, {how},"), how)


def kill_and_resume(trial: Trial) -> None:
    """The driver is killed in the middle; the resumed run ends as the uninterrupted one."""
    first, resumed = trial.serial, trial.resumed
    if isinstance(resumed, NotJudged):
        raise resumed
    account = finished(resumed, "resume, after the driver was killed,")
    _equal(trial, first, account, "killed in the middle and resumed")
    if not account["replayed"]:
        raise Broken("the resumed run evaluated everything again")


def workers(count: int) -> Callable[[Trial], None]:
    """Return the rule that a run on that many Ray workers equals the serial one."""

    def check(trial: Trial) -> None:
        first, order = trial.serial, WORKERS_ORDERS[count]
        account = trial.run(*trial.arguments(str(count)), PYTHONHASHSEED=order)
        if _differs(first, account):
            _sets(trial, order)
        _equal(trial, first, account, f"with {count} Ray worker{'s' if count > 1 else ''}")

    return check


def _equal_or_sets(trial: Trial, ended: Ended, orders: Sequence[str]) -> None:
    """Raise Broken if the order of sets alone makes the difference that another rule will see."""
    if isinstance(ended, Failed) or _differs(trial.serial, ended):
        for order in orders:
            _sets(trial, order)


def _sets(trial: Trial, order: str) -> None:
    how = f"with sets in another order (PYTHONHASHSEED={order})"
    first = trial.serial
    _equal(trial, first, finished(trial.in_order(order), f"run {trial.method}, {how},"), how)


def _differs(first: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(other["digest"] != first["digest"] or other["result"] != first["result"])


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
