"""A rule, and what can come out of judging it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliostat_kit.trial import Trial


LIMIT_SECONDS = 120.0
"""How long one run of a trial may take unless told otherwise."""


class Broken(AssertionError):
    """A rule is not kept; the text says what was seen."""


class NotJudged(Exception):
    """A rule cannot be judged; the text says why."""


class Unwatched(NotJudged):
    """A method does what may be right and cannot be watched; the text names it."""


@dataclass(frozen=True)
class Rule:
    """One promise of every method.

    `check(trial)` returns when it is kept, and raises Broken or NotJudged. What breaks one of the
    rules in `after` breaks this one too, so it is judged once they are mended; None stands for all
    rules before it.
    """

    name: str
    promise: str
    mend: str
    check: Callable[[Trial], None]
    after: tuple[str, ...] | None = ()
    ray: bool = False


@dataclass(frozen=True)
class Verdict:
    """What came out for one rule: `state` is kept, broken or not judged."""

    rule: str
    promise: str
    state: str
    seen: str = ""
    mend: str = ""


def told(promise: str, seen: object, mend: str) -> str:
    """Return the words that go with a broken rule."""
    return f"broken: {promise}\n  seen: {seen}\n  mend: {mend}"
