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
from heliostat.store.database.rows import Row
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_kit.exam.command import Failed
from heliostat_kit.exam.exam import SET_ORDERS, SPREAD_ORDER, Ended, Exam, finished
from heliostat_kit.verdict import SORTED, Broken, NotJudged

_IN_ONE_PROCESS = ("repeatable", "set-order", "threads", "kill-and-resume")
_ON_RAY = ("one-worker", "two-workers")

_THREADED = "with four threads in the environment"
_RESUMED = "killed in the middle and resumed"


def repeatable(exam: Exam) -> None:
    """Compare with an equal run, in another process and with a full cache."""
    if _hardened(exam) is None:
        again = finished(exam.again, " ".join(exam.arguments()))
        _equal(exam, exam.serial, again, "a second, equal run")


def set_order(exam: Exam) -> None:
    """Compare with runs whose sets are in other orders."""
    if _hardened(exam) is None:
        for order in SET_ORDERS:
            _sets(exam, order)


def seed(exam: Exam) -> None:
    """Compare with a run of the next seed, which has to differ."""
    first = exam.serial
    other = finished(exam.reseeded[0], " ".join(exam.arguments(seed=exam.seed + 1)))
    if other["digest"] == first["digest"]:
        raise Broken(f"seeds {exam.seed} and {exam.seed + 1} give the same digest")


def threads(exam: Exam) -> None:
    """Compare with a run whose environment asks for four threads."""
    if _hardened(exam) is None:
        threaded = finished(exam.threaded, f"run {exam.method}, {_THREADED},")
        _equal(exam, exam.serial, threaded, _THREADED)


def kill_and_resume(exam: Exam) -> None:
    """Compare with a run whose driver was killed in the middle and that went on."""
    hardened = _hardened(exam)
    if hardened is not None and hardened["replayed"]:
        return
    first, resumed = exam.serial, exam.resumed
    if isinstance(resumed, NotJudged):
        raise resumed
    account = finished(resumed, "resume, after the driver was killed,")
    _equal(exam, first, account, _RESUMED)
    if not account["replayed"]:
        raise Broken("the resumed run evaluated everything again")
    if exam.judges_several(_IN_ONE_PROCESS):
        how = f"{_RESUMED}, {_THREADED} and sets in other orders"
        orders = map(exam.in_order, SET_ORDERS)
        _together(exam, exam.hardened, how, lambda: [exam.again, exam.threaded, *orders])


def workers(count: int) -> Callable[[Exam], None]:
    """Return the rule that compares with a run on that many Ray workers."""

    def check(exam: Exam) -> None:
        if _spread(exam):
            return
        how = f"with {count} Ray worker{'s' if count > 1 else ''}"
        account = finished(exam.on_workers(count), " ".join(exam.arguments(str(count))))
        _equal(exam, exam.serial, account, how)
        if count > 1 and exam.judges_several(_ON_RAY):
            _sets(exam, SPREAD_ORDER)
            how = f"{how}, {_THREADED} and sets in another order"
            _together(exam, exam.spread, how, lambda: [exam.again, exam.threaded])

    return check


def _hardened(exam: Exam) -> dict[str, Any] | None:
    """Return the account of the run that keeps the rules of one process together, if it does."""
    first = exam.serial
    if not exam.judges_several(_IN_ONE_PROCESS) or isinstance(exam.hardened, Failed):
        return None
    return None if _differs(first, exam.hardened) else exam.hardened


def _spread(exam: Exam) -> bool:
    """Return whether the rules of Ray are kept together."""
    first = exam.serial
    return exam.judges_several(_ON_RAY) and _same(first, exam.spread)


def _together(exam: Exam, ended: Ended, how: str, alone: Callable[[], Sequence[Ended]]) -> None:
    """Raise Broken when a run with everything against it differs and none of the others does."""
    first = exam.serial
    if not _same(first, ended) and all(_same(first, other) for other in alone()):
        _equal(exam, first, finished(ended, f"run {exam.method}, {how},"), how)


def _sets(exam: Exam, order: str) -> None:
    how = f"with sets in another order (PYTHONHASHSEED={order})"
    first = exam.serial
    _equal(exam, first, finished(exam.in_order(order), f"run {exam.method}, {how},"), how, SORTED)


def _same(first: dict[str, Any], other: Ended) -> bool:
    return not isinstance(other, Failed) and not _differs(first, other)


def _differs(first: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(other["digest"] != first["digest"] or other["result"] != first["result"])


def _equal(
    exam: Exam, first: dict[str, Any], other: dict[str, Any], how: str, mend: str = ""
) -> None:
    if other["digest"] != first["digest"]:
        raise Broken(f"{how}: {_first_difference(exam, other)}", mend)
    if other["result"] != first["result"]:
        raise Broken(
            f"{how}: all outcomes are equal, but the search returns {_text(other['result'])}, "
            f"in the first run {_text(first['result'])}",
            mend,
        )


def _first_difference(exam: Exam, other: dict[str, Any]) -> str:
    view = RunView(RunFolder(exam.folder / other["folder"]))
    try:
        theirs = {row.key: row for row in view.outcomes() if not row.observed}
        mine = {row.key: row for row in exam.rows}
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
