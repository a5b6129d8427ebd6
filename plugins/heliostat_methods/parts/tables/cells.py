"""What the text of one cell can be: missing, a number, yes or no, a date or a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "?"})
"""Cells that hold nothing, in small letters."""
YES = frozenset({"yes", "y", "true", "t", "on"})
NO = frozenset({"no", "n", "false", "f", "off"})
DAYS = "days since 1970-01-01"
SECONDS = "seconds since 1970-01-01 00:00"
OF_DAY = "seconds since midnight"
YES_OR_NO = "1 for yes, 0 for no"

_WHOLE = re.compile(r"[+-]?\d+(?:\.0*)?\Z", re.ASCII)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?"
_ZONE = r"\s?(Z|UTC|[+-]\d{2}:?\d{2})?"
_ISO = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}})(?:[T ]{_CLOCK}{_ZONE})?\Z", re.ASCII)
_OTHER = re.compile(rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2(\d{{4}})(?: {_CLOCK}{_ZONE})?\Z", re.ASCII)
_TIME = re.compile(rf"{_CLOCK}\Z", re.ASCII)
_SIGNS = {0xA0: " ", 0x2009: " ", 0x202F: " ", 0x2019: "'", 0x2212: "-"}
"""Signs that other programs write in numbers: blanks that do not break, apostrophe, minus."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain_signs(text: str) -> str:
    """Return a text with the blanks, apostrophes and minus signs that numbers are written with."""
    return text if text.isascii() else text.translate(_SIGNS)


@dataclass(frozen=True)
class Numerals:
    """How a file writes numbers: the decimal sign, and what stands between thousands ("": nothing).

    A number is finite in float64; Python's 1_000 and infinity are texts.
    """

    decimal: str = "."
    thousands: str = ""

    @cached_property
    def _groups(self) -> re.Pattern[str]:
        between, point = re.escape(self.thousands), re.escape(self.decimal)
        return re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:{between}\d{{3}})+(?:{point}\d*)?\Z", re.ASCII)

    def value(self, text: str) -> int | float | None:
        """Return the number, an int if it is whole, or None if the text is none."""
        text = plain_signs(text)
        if self.thousands and self.thousands in text:
            if not self._groups.match(text):
                return None
            text = text.replace(self.thousands, "")
        if self.decimal != ".":
            if "." in text:
                return None
            text = text.replace(self.decimal, ".")
        if _WHOLE.match(text):
            whole = text.partition(".")[0]
            return int(whole) if len(whole) <= 300 else None
        if not _PLAIN.match(text):
            return None
        value = float(text)
        return value if abs(value) < float("inf") else None


STYLES = (
    Numerals(".", ","),
    Numerals(",", "."),
    Numerals(".", " "),
    Numerals(",", " "),
    Numerals(".", "'"),
    Numerals(",", "'"),
    Numerals(",", ""),
    Numerals(".", ""),
)
"""Ways of writing numbers that are looked for."""


def is_missing(text: str) -> bool:
    """Return whether a cell holds nothing."""
    return text.strip().lower() in MISSING


def truth(text: str) -> bool | None:
    """Return what yes or no means, None for any other text."""
    word = text.lower()
    return True if word in YES else False if word in NO else None


def is_moment(text: str) -> bool:
    """Return whether a text alone is a date or a time of day, whatever the order of its numbers."""
    return any(moments([text], month_first) is not None for month_first in (False, True))


def moments(texts: list[str], month_first: bool | None) -> tuple[list[float], str] | None:
    """Return dates or times as numbers and their unit, or None if a text is no such.

    Dates become days, dates with times seconds, both since 1970; times of day seconds. Without
    `month_first` the texts have to say which number is the month: raises ValueError if they do not.
    """
    if all(_TIME.match(text) for text in texts):
        clocks = [_clock(*_groups_of(_TIME, text)) for text in texts]
        known = [clock for clock in clocks if clock is not None]
        return (known, OF_DAY) if len(known) == len(clocks) else None
    parts = [_ISO.match(text) or _OTHER.match(text) for text in texts]
    if not all(parts):
        return None
    found = [part for part in parts if part is not None]
    others = [part for part in found if part.re is _OTHER]
    if all(part.group(2) == "." for part in others):
        month_first = False  # the German point never has the month first
    elif month_first is None:
        month_first = _order(others)
    zones = {bool(part.group(9)) for part in found if part.group(5)}
    if len(zones) > 1:
        return None
    timed = bool(zones)
    numbers = [_moment(part, bool(month_first), timed) for part in found]
    whole = [number for number in numbers if number is not None]
    return (whole, SECONDS if timed else DAYS) if len(whole) == len(numbers) else None


def month_order(texts: Iterable[str]) -> bool | None:
    """Return whether the month stands first in dates such as 1/25/2024; None where none says so."""
    parts = [part for text in texts if (part := _OTHER.match(text.strip())) is not None]
    known = [
        part
        for part in parts
        if part.group(2) != "." and max(int(part.group(1)), int(part.group(3))) > 12
    ]
    return _order(known) if known else None


def _order(parts: list[re.Match[str]]) -> bool:
    """Return whether the month stands first; raises ValueError if either may."""
    first = max(int(part.group(1)) for part in parts)
    second = max(int(part.group(3)) for part in parts)
    if first <= 12 and second <= 12 and any(part.group(1) != part.group(3) for part in parts):
        raise ValueError("day or month may stand first")
    return second > 12


def _moment(part: re.Match[str], month_first: bool, timed: bool) -> float | None:
    if part.re is _ISO:
        year, month, day = part.group(1), part.group(3), part.group(4)
    else:
        day, month, year = part.group(1), part.group(3), part.group(4)
        if month_first:
            day, month = month, day
    try:
        days = date(int(year), int(month), int(day)).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None
    if not timed:
        return float(days)
    seconds = _clock(*part.group(5, 6, 7, 8)) if part.group(5) else 0.0
    if seconds is None:
        return None
    return days * 86_400 + seconds - _offset(part.group(9))


def _groups_of(pattern: re.Pattern[str], text: str) -> tuple[str | None, ...]:
    match = pattern.match(text)
    assert match is not None
    return match.groups()


def _clock(
    hours: str | None, minutes: str | None, seconds: str | None, fraction: str | None
) -> float | None:
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    if int(hours or 0) > 23 or int(minutes or 0) > 59 or int(seconds or 0) > 59:
        return None
    return whole + float(fraction or 0)


def _offset(zone: str | None) -> int:
    """Return the seconds by which a zone is ahead of UTC."""
    if zone is None or zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    ahead = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return ahead if zone[0] == "+" else -ahead


def moment_text(value: float, unit: str) -> str:
    """Return a date or time of such a unit in words."""
    if unit == DAYS:
        return (_EPOCH + timedelta(days=value)).strftime("%Y-%m-%d")
    if unit == SECONDS:
        return (_EPOCH + timedelta(seconds=value)).strftime("%Y-%m-%d %H:%M")
    return f"{int(value) // 3600:02d}:{int(value) // 60 % 60:02d}"
