"""Text becomes markup by no other way than `element`."""

from __future__ import annotations

import pytest

from heliostat.ui.figures import duration, goals, moment, speed, steps
from heliostat.ui.markup import element, joined, link

HOSTILE = "<script>x</script>\"'&\ud800\x00"


def test_content_and_attributes_are_escaped() -> None:
    made = element("p", HOSTILE, title=HOSTILE, data_x=HOSTILE)
    assert "<script" not in made
    assert made.count('"') == 4  # those that the attributes stand in
    assert "\x00" not in made and made.encode()


def test_markup_stays_markup_and_is_not_escaped_twice() -> None:
    inner = element("b", "a & b")
    assert inner == "<b>a &amp; b</b>"
    assert element("p", inner, None, [inner, "<"]) == f"<p>{inner}{inner}&lt;</p>"
    assert joined("a", None, 3) == "a3"


def test_what_is_built_of_markup_by_hand_is_text_again() -> None:
    assert element("p", element("b", "x") + "<i>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"


def test_attributes_without_a_value_are_left_out_and_true_stands_alone() -> None:
    made = element("input", checked=True, hidden=False, class_=None, aria_label="a")
    assert made == '<input checked aria-label="a">'


@pytest.mark.parametrize(
    "to", ["javascript:alert(1)", "//evil.example", "https://evil.example", ""]
)
def test_a_link_leads_nowhere_else(to: str) -> None:
    with pytest.raises(ValueError):
        link(to, "x")


def test_figures_read_well_at_every_size() -> None:
    assert [duration(s) for s in (0.04, 59.4, 61, 3660, 90_000, None, float("nan"), -1)] == [
        "0.0 s", "59 s", "1 min 1 s", "1 h 1 min", "25 h 0 min", "–", "–", "–",
    ]  # fmt: skip
    assert [steps(None, 3), steps(3, None), steps(3, 9)] == ["–", "3", "3 of 9"]
    assert [speed(2.0), speed(0.5), speed(1 / 600), speed(None)] == [
        "2 / s",
        "30 / min",
        "6 / h",
        "–",
    ]
    assert goals({"a": 1.0, "b": float("nan"), "c": 3.0}) == "a 1, b not a number"
    assert [moment(0.0), moment(float("inf")), moment(1e300)] == ["–", "–", "–"]
