"""Numbers and text on a page."""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat.report.typeset import cell, escape, number, scientific, shorten, width


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (-7, "−7"),
        (1234567, "1234567"),
        (0.1, "0.1"),
        (0.30000000000000004, "0.3"),
        (-2.5, "−2.5"),
        (math.pi, "3.1416"),
        (1234.5678, "1234.6"),
        (123456.7, "123457"),
        (1e15, "10¹⁵"),
        (0.00012345, "0.00012345"),
        (1.5e-7, "1.5×10⁻⁷"),
        (-6.62607015e-34, "−6.6261×10⁻³⁴"),
        (5e-324, "4.9407×10⁻³²⁴"),
        (0.0, "0"),
        (-0.0, "0"),
        (math.nan, "not a number"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (True, "yes"),
        ("1.50 ± 0.1", "1.50 ± 0.1"),
        (np.int64(12), "12"),
        (np.float32(0.5), "0.5"),
    ],
)
def test_a_cell_shows_a_value_as_a_reader_expects_it(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_an_integer_too_long_to_write_is_named_by_its_size() -> None:
    assert cell(-(10**6000)) == "about −10⁶⁰⁰⁰"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_short_and_close_to_its_value(value: float) -> None:
    shown = number(value)
    assert len(shown) <= 14
    plain = shown.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-"))
    mantissa, times, power = plain.partition("×10")
    if not times and ("⁰" in shown or any(char in "⁻¹²³⁴⁵⁶⁷⁸⁹" for char in shown)):
        mantissa, power = (
            mantissa.replace("10", "1", 1)[: 2 if value < 0 else 1],
            plain.split("10", 1)[1],
        )
    exact = Decimal(mantissa).scaleb(int(power or 0))
    assert abs(exact - Decimal(value)) <= abs(Decimal(value)) * Decimal("5.001e-5")


def test_scientific_does_not_depend_on_the_decimal_context() -> None:
    with localcontext(Context(prec=1)):
        assert scientific(Decimal("1.2346e9")) == "1.2346×10⁹"


@given(st.text())
def test_escaped_text_is_valid_xml_and_reads_back(text: str) -> None:
    root = ElementTree.fromstring(f'<a b="{escape(text)}">{escape(text)}</a>')
    allowed = "".join(char if _in_xml(char) else "\ufffd" for char in text)
    # XML readers fold line ends, which is not a loss here.
    assert (root.text or "") == allowed.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("hostile", ["\0", "\x1b[31m", "\ud800", "\uffff", "\x0b"])
def test_what_xml_cannot_hold_is_replaced(hostile: str) -> None:
    assert escape(hostile)[0] == "\ufffd"
    escape(hostile).encode("utf-8")


@given(st.text(max_size=300), st.floats(min_value=30, max_value=700))
def test_shortened_text_fits(text: str, room: float) -> None:
    assert width(shorten(text, 12.0, room), 12.0) <= room


def test_text_that_fits_is_left_as_it_is() -> None:
    assert shorten("validation error", 12.0, 200.0) == "validation error"
    assert shorten("a  b\nc", 12.0, 200.0) == "a b c"
    assert shorten("x" * 100, 12.0, 80.0).endswith("…")
    assert shorten("長" * 10, 12.0, 60.0) == "長" * 4 + "…"


def _in_xml(char: str) -> bool:
    return char in "\t\n\r" or (
        ord(char) >= 0x20 and char not in "\ufffe\uffff" and not _surrogate(char)
    )


def _surrogate(char: str) -> bool:
    return 0xD800 <= ord(char) <= 0xDFFF
