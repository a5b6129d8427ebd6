"""Which runs the list shows, and in which order."""

from __future__ import annotations

import pytest

from heliostat.ui.rows import Row
from heliostat.ui.wanted import PAGE, SORTS, Wanted, choices, wanted_in

ROWS = [
    Row("r1", state="finished", method="evomal", best={"mse": 0.5}, created=1.0, tags={"p": "1"}),
    Row("r2", state="running", method="fams", on="Digits", created=2.0, name="second", step=4),
    Row("r3", state="damaged", created=3.0, error="x"),
    Row("r4", state="finished", method="fams", best={"gap": 0.1}, created=4.0, tags={"p": "2"},
        note="why not"),
]  # fmt: skip


def names(**wishes: str) -> list[str]:
    return [row.run for row in wanted_in(wishes).of(ROWS)]


@pytest.mark.parametrize(
    "wishes, expected",
    [
        ({}, ["r4", "r3", "r2", "r1"]),
        ({"state": "finished"}, ["r4", "r1"]),
        ({"method": "fams"}, ["r4", "r2"]),
        ({"tag": "p"}, ["r4", "r1"]),
        ({"tag": "p=1"}, ["r1"]),
        ({"tag": "q"}, []),
        ({"text": "DIGITS"}, ["r2"]),
        ({"text": "why"}, ["r4"]),
        ({"text": "p=2"}, ["r4"]),
        ({"sort": "begun", "order": "up"}, ["r1", "r2", "r3", "r4"]),
        ({"sort": "best", "order": "up"}, ["r4", "r1", "r2", "r3"]),
        ({"sort": "best", "order": "down"}, ["r1", "r4", "r2", "r3"]),
        ({"sort": "nonsense", "order": "sideways", "other": "1"}, ["r4", "r3", "r2", "r1"]),
    ],
)
def test_filter_and_order(wishes: dict[str, str], expected: list[str]) -> None:
    assert names(**wishes) == expected


def test_everything_that_can_be_sorted_by_sorts_rows_without_it() -> None:
    for sort in SORTS:
        for order in ("up", "down"):
            assert sorted(names(sort=sort, order=order)) == ["r1", "r2", "r3", "r4"]


def test_an_address_holds_the_wishes_and_gives_them_back() -> None:
    wanted = Wanted(state="a&b", tag="k=v", text="ü?", sort="best", order="up")
    from urllib.parse import parse_qsl

    assert wanted_in(dict(parse_qsl(wanted.query()[1:]))) == wanted
    assert Wanted().query() == "?"
    assert "order=up" in Wanted(sort="best").turned("best")
    assert "order=up" not in Wanted(sort="best").turned("size")


def test_a_page_has_the_first_rows_unless_all_are_asked_for() -> None:
    many = [Row(f"r{i}") for i in range(PAGE + 5)]
    assert len(Wanted().page(many)) == PAGE
    assert len(Wanted(show="all").page(many)) == PAGE + 5


def test_choices_are_what_there_is() -> None:
    assert choices(ROWS) == {
        "state": ["damaged", "finished", "running"],
        "method": ["evomal", "fams"],
        "tag": ["p=1", "p=2"],
    }
