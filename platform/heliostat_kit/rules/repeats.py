"""Rules about runs that must be equal, or must not: the quick run and another one.

Rules of one process share a run that has everything against it, and so do those of Ray. If it
equals the quick run, all of them are kept. If not, each rule makes a run that differs in its own
matter alone and so says which promise is broken; what only shows when several matters meet is told
by the last rule that shares the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from heliostat.errors import key_text
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Row
from heliostat.store.view import RunView
from heliostat_kit.trials.command import Failed
from heliostat_kit.trials.trial import SET_ORDERS, SPREAD_ORDER, Ended, Trial, finished
from heliostat_kit.verdict import Broken, NotJudged

_IN_ONE_PROCESS = ("repeatable", "set-order", "threads", "kill-and-resume")
_ON_RAY = ("one-worker", "two-workers")

_THREADED = "with four threads in the environment"
_RESUMED = "killed in the middle and resumed"


def repeatable(trial: Trial) -> None:
    """Compare with an equal run, in another process and with a full cache."""
    if _hardened(trial) is None:
        again = finished(trial.again, " ".join(trial.arguments()))
        _equal(trial, trial.serial, again, "a second, equal run")


def set_order(trial: Trial) -> None:
    """Compare with runs whose sets are in other orders."""
    if _hardened(trial) is None:
        for order in SET_ORDERS:
            _sets(trial, order)


def seed(trial: Trial) -> None:
    """Compare with a run of the next seed, which has to differ."""
    first = trial.serial
    other = finished(trial.reseeded[0], " ".join(trial.arguments(seed=trial.seed + 1)))
    if other["digest"] == first["digest"]:
        raise Broken(f"seeds {trial.seed} and {trial.seed + 1} give the same digest")


def threads(trial: Trial) -> None:
    """Compare with a run whose environment asks for four threads."""
    if _hardened(trial) is None:
        threaded = finished(trial.threaded, f"run {trial.method}, {_THREADED},")
        _equal(trial, trial.serial, threaded, _THREADED)


def kill_and_resume(trial: Trial) -> None:
    """Compare with a run whose driver was killed in the middle and that went on."""
    hardened = _hardened(trial)
    if hardened is not None and hardened["replayed"]:
        return
    first, resumed = trial.serial, trial.resumed
    if isinstance(resumed, NotJudged):
        raise resumed
    account = finished(resumed, "resume, after the driver was killed,")
    _equal(trial, first, account, _RESUMED)
    if not account["replayed"]:
        raise Broken("the resumed run evaluated everything again")
    if trial.judges_several(_IN_ONE_PROCESS):
        how = f"{_RESUMED}, {_THREADED} and sets in other orders"
        orders = map(trial.in_order, SET_ORDERS)
        _together(trial, trial.hardened, how, lambda: [trial.again, trial.threaded, *orders])


def workers(count: int) -> Callable[[Trial], None]:
    """Return the rule that compares with a run on that many Ray workers."""

    def check(trial: Trial) -> None:
        if _spread(trial):
            return
        how = f"with {count} Ray worker{'s' if count > 1 else ''}"
        account = finished(trial.on_workers(count), " ".join(trial.arguments(str(count))))
        _equal(trial, trial.serial, account, how)
        if count > 1 and trial.judges_several(_ON_RAY):
            _sets(trial, SPREAD_ORDER)
            how = f"{how}, {_THREADED} and sets in another order"
            _together(trial, trial.spread, how, lambda: [trial.again, trial.threaded])

    return check


def _hardened(trial: Trial) -> dict[str, Any] | None:
    """Return the account of the run that keeps the rules of one process together, if it does."""
    first = trial.serial
    if not trial.judges_several(_IN_ONE_PROCESS) or isinstance(trial.hardened, Failed):
        return None
    return None if _differs(first, trial.hardened) else trial.hardened


def _spread(trial: Trial) -> bool:
    """Return whether the rules of Ray are kept together."""
    first = trial.serial
    return trial.judges_several(_ON_RAY) and _same(first, trial.spread)


def _together(trial: Trial, ended: Ended, how: str, alone: Callable[[], Sequence[Ended]]) -> None:
    """Raise Broken when a run with everything against it differs and none of the others does."""
    first = trial.serial
    if not _same(first, ended) and all(_same(first, other) for other in alone()):
        _equal(trial, first, finished(ended, f"run {trial.method}, {how},"), how)


def _sets(trial: Trial, order: str) -> None:
    how = f"with sets in another order (PYTHONHASHSEED={order})"
    first = trial.serial
    _equal(trial, first, finished(trial.in_order(order), f"run {trial.method}, {how},"), how)


def _same(first: dict[str, Any], other: Ended) -> bool:
    return not isinstance(other, Failed) and not _differs(first, other)


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
