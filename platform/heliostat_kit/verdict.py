"""What can come out of judging a rule, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

LIMIT_SECONDS = 120.0
"""How long one run of an exam may take unless told otherwise."""


SORTED = "loop over sorted(...) or over a dictionary instead of a set; use no hash()"
"""What to do about the order of sets, whichever rule meets it."""


class Broken(AssertionError):
    """A rule is not kept; the text says what was seen, `mend` what to do, if not the rule's."""

    def __init__(self, seen: str, mend: str = "") -> None:
        super().__init__(seen)
        self.mend = mend


class NotJudged(Exception):
    """A rule cannot be judged; the text says why."""


class Unwatched(NotJudged):
    """A method does what may be right and cannot be watched; the text names it."""


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
