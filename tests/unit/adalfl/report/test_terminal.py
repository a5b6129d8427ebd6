"""What a terminal shows: 80 columns whatever the names are, and the sentence that counts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat_methods.adalfl.report.terminal import describe

HOSTILE = "race=<script>\n\x1b[31m, " + "long " * 40 + "name=" + "x" * 90


def rows(shown: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in shown.splitlines() if line.split()}


def test_it_begins_with_the_data_and_ends_with_where_the_pictures_are(digits: Any) -> None:
    lines = describe(digits, "RUN").splitlines()
    assert lines[0] == (
        "digits, classification of 10 classes: 1,257 rows train, 180 rows validate, 360"
    )
    assert lines[-1] == "pictures: heliostat report RUN"


def test_the_table_has_a_number_with_its_interval_for_each_way(digits: Any) -> None:
    shown = describe(digits, "RUN")
    assert rows(shown)["contestant"] == ["contestant", "equal", "steps", "equal", "cost", "at",
                                         "best"]  # fmt: skip
    first = rows(shown)["task_loss"]
    assert [cell.startswith("±") for cell in first[1:]] == [False, True] * 3
    line = next(line for line in shown.splitlines() if line.startswith("ml3 "))
    assert line.split()[3] == "-"


def test_sentence_reservations_and_the_meaning_of_the_interval_follow(digits: Any) -> None:
    shown = " ".join(describe(digits, "RUN").split())
    places = [
        shown.index(text)
        for text in (
            digits["sentence"],
            "adalfl_random: trainings exploded, 3 of 10 in every way",
            "lies at the edge of those tried",
            "± is half of a 95 % interval over 10 trainings on one split",
            "pictures:",
        )
    ]
    assert places == sorted(places)


def test_one_seed_says_that_nothing_may_be_concluded(one_seed: Any) -> None:
    shown = " ".join(describe(one_seed, "RUN").split())
    assert "there are no intervals, and nothing may be concluded" in shown
    assert "±" not in shown


def test_regressions_say_their_units(diabetes: Any) -> None:
    shown = " ".join(describe(diabetes, "RUN").split())
    assert "Test mean squared error (target standardised), lower is better" in shown
    assert "always the mean has 0.9780" in shown


@pytest.mark.parametrize("values", [[123_456.7, 223_456.7], [1e-7, 2e-7], [-1e300, 1e300]])
def test_numbers_of_any_size_fit_beside_long_names(
    outcomes: SimpleNamespace, values: list[float]
) -> None:
    one = outcomes.compared("adalfl")
    lines = [outcomes.line(row.way, values) for row in one.lines]
    wide = replace(one, label="adalfl_offline, 123456789 inner of many", lines=lines)
    shown = describe(outcomes.stored(outcomes.made(contestants=[wide])), "RUN")
    assert max(map(len, shown.splitlines())) <= 79
    assert "of many" in shown


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=120))
def test_any_name_stays_within_80_columns(outcomes: SimpleNamespace, name: str) -> None:
    for text in (name, HOSTILE):
        named = replace(outcomes.compared("adalfl"), label=text)
        plain = outcomes.made(
            contestants=[outcomes.compared("task_loss"), named], dataset=text, model=text,
            sentence=text, remarks=[text],
        ).plain()  # fmt: skip
        lines = describe(plain, "RUN").split("\n")
        assert max(map(len, lines)) <= 79
        assert all(line.isprintable() for line in lines)
