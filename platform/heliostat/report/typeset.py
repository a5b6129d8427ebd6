"""How text and numbers are set on a page: escaping, digits, exponents, widths.

A report shows what plugins, configurations and error messages contain, so every string is hostile
until it went through `escape`.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral, Real

DIGITS = 5
"""Significant digits of a number in a table or a tooltip."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

# What XML 1.0 cannot hold even as an entity: control characters, lone surrogates, non-characters.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: object) -> str:
    """Return the text safe for HTML and XML, as content and inside a quoted attribute."""
    return html.escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(text)), quote=True)


def cell(value: object) -> str:
    """Return a table cell's text, not yet escaped: strings as they are, None as an en dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return _whole(int(value))
    if isinstance(value, Real):
        return number(float(value))
    return str(value)


def number(value: float) -> str:
    """Return a float with `DIGITS` significant digits: `0.1`, `123457`, `1.5×10⁻⁷`, `∞`."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    rounded = Decimal(f"{value:.{DIGITS - 1}e}")
    if not -5 < rounded.adjusted() < 6:
        return scientific(rounded)
    decimals = max(0, DIGITS - 1 - rounded.adjusted())
    # Not from `rounded`: a number of six digits is better shown as a whole than as 123460.
    return _minus(_trim(f"{value:.{decimals}f}"))


def scientific(value: Decimal) -> str:
    """Return `2.5×10⁻⁷`; the mantissa 1 is left out (`10⁻⁷`)."""
    # By digits, not by arithmetic, which would depend on the caller's decimal context.
    sign, digits, _ = value.as_tuple()
    first, rest = str(digits[0]), "".join(str(digit) for digit in digits[1:])
    mantissa = _trim(f"{first}.{rest}")
    power = power_of_ten(value.adjusted())
    return ("−" if sign else "") + (power if mantissa == "1" else f"{mantissa}×{power}")


def power_of_ten(exponent: int) -> str:
    """Return `10⁻⁷`."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def tick_labels(values: Sequence[Decimal], step: Decimal) -> list[str]:
    """Return the labels of equally spaced ticks, all with the decimals that the step needs."""
    largest = max((abs(value) for value in values), default=Decimal(0))
    if largest and not -4 < largest.adjusted() < 6:
        return [scientific(value) if value else "0" for value in values]
    decimals = max(0, -step.normalize().adjusted())
    return [_minus(f"{value:.{decimals}f}") if value else "0" for value in values]


def width(text: str, size: float) -> float:
    """Return roughly how wide a text is in a sans-serif font of that size, in the same unit."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return size * (0.56 * (len(text) - wide) + wide)


def shorten(text: str, size: float, room: float) -> str:
    """Return the text on one line, cut with an ellipsis where it would be wider than `room`."""
    # Cut by count first: a megabyte of text need not be measured character by character.
    start = text[: 20 * int(room / size)]
    line = " ".join(start.split())
    if len(start) == len(text) and width(line, size) <= room:
        return line
    line = line[: int(room / (0.56 * size)) + 1]
    while line and width(line + "…", size) > room:
        line = line[:-1]
    return line.rstrip() + "…"


def wrapped(text: str, size: float, room: float, most: int) -> list[str]:
    """Return the text on at most so many lines, at least one; what is left is cut in the last."""
    words, lines = text[: 20 * most * int(room / size)].split(" "), [""]
    for place, word in enumerate(words):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width(longer, size) <= room or not lines[-1]:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = " ".join([lines[-1], *words[place:]])
            break
    return lines


def _whole(value: int) -> str:
    try:
        return _minus(str(value))
    except ValueError:  # Python refuses to write integers of more than 4,300 digits
        sign = "−" if value < 0 else ""
        return f"about {sign}{power_of_ten(int(value.bit_length() * math.log10(2)))}"


def _trim(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _minus(digits: str) -> str:
    return digits.replace("-", "−")
