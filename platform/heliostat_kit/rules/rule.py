"""One promise of every method, written once: for the command, for pytest and for the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heliostat_kit.exam.exam import Exam


@dataclass(frozen=True)
class Rule:
    """One promise of every method.

    `check(exam)` returns when it is kept, and raises Broken or NotJudged. `test` is the name of
    the test in pytest, without `test_`. What breaks one of the rules in `after` breaks this one
    too, so it is judged once they are mended; None stands for all rules before it.
    """

    name: str
    promise: str
    mend: str
    check: Callable[[Exam], None]
    test: str = ""
    after: tuple[str, ...] | None = ()
    ray: bool = False
