"""What a terminal shows, in 80 columns whatever the names are; and a comparison that goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat.report import Plot, Table, Text, render
from heliostat_methods.gmconv.report.comparison import report
from heliostat_methods.gmconv.report.terminal import describe

HOSTILE = "race=<script>\n\x1b[31m, " + "long " * 40 + "name=" + "x" * 90


def test_it_tells_data_table_sentence_widths_and_reservations_in_order(digits: Any) -> None:
    shown = " ".join(describe(digits, "RUN").split())
    places = [
        shown.index(text)
        for text in (
            "digits, classification of 10 classes: 1,257 rows train",
            "variant equal steps at best conv 0.03",
            digits["sentence"],
            "static: the mask of layer 0 grew from 5 to 5.3",
            "circle changes no layer of this network",
            "± is half of a 95 % interval over 6 trainings on one split",
            "pictures: heliostat report RUN",
        )
    ]
    assert places == sorted(places)


def test_one_seed_says_that_nothing_may_be_concluded(one_seed: Any) -> None:
    shown = " ".join(describe(one_seed, "RUN").split())
    assert "nothing may be concluded" in shown and "±" not in shown


@pytest.mark.parametrize("values", [[123_456.7, 223_456.7], [1e-7, 2e-7]])
def test_numbers_of_any_size_fit_beside_long_names(
    outcomes: SimpleNamespace, values: list[float]
) -> None:
    one = outcomes.compared("static")
    lines = [outcomes.line(row.way, values) for row in one.lines]
    wide = replace(one, label="static, sigma x0.12345678901234567 of many more", lines=lines)
    shown = describe(outcomes.stored(outcomes.of(variants=[wide])), "RUN")
    assert max(map(len, shown.splitlines())) <= 79 and "of many more" in shown


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=120))
def test_any_name_stays_within_80_columns(outcomes: SimpleNamespace, name: str) -> None:
    for text in (name, HOSTILE):
        named = replace(outcomes.compared("static"), label=text)
        plain = outcomes.of(
            variants=[outcomes.compared("conv"), named], dataset=text, model=text, sentence=text,
            remarks=[text],
        ).plain()  # fmt: skip
        lines = describe(plain, "RUN").split("\n")
        assert max(map(len, lines)) <= 79
        assert all(line.isprintable() for line in lines)


def view(*found: Any) -> Any:
    """A run that goes on, with what its tasks have given."""

    def rows(task: str) -> Iterator[Any]:
        assert task == "gmconv.train"
        for label, factor, detail, *valid in found:
            item = SimpleNamespace(
                variant=SimpleNamespace(label=label), factor=factor, detail=detail
            )
            yield SimpleNamespace(key=(0,)), item, SimpleNamespace(valid=np.array(valid))

    return SimpleNamespace(result=None, found=rows, count=lambda: len(found))


def test_a_run_that_has_just_begun_says_what_will_come() -> None:
    (section,) = report(view())
    (text,) = section.content
    assert isinstance(text, Text)
    assert "0 tasks are done; the comparison stands here when all are." in text.body


def test_what_would_be_chosen_and_what_ended_are_shown() -> None:
    (section,) = report(
        view(
            ("conv", 1.0, False, 0.9, 0.04), ("conv", 1.0, False, 0.9, 0.02),
            ("conv", 3.0, False, 0.9, 0.5), ("static", 1.0, False, 0.9, math.inf),
            ("conv", 1.0, True, 0.9, 0.04),
        )
    )  # fmt: skip
    plot, chosen, paired, text = section.content
    assert isinstance(plot, Plot) and isinstance(text, Text)
    assert isinstance(chosen, Table) and isinstance(paired, Table)
    assert (list(plot.series[0].x), list(plot.series[0].y)) == ([1.0, 3.0], [0.03, 0.5])
    assert [list(row) for row in chosen.rows] == [
        ["conv", 2, "1", "0.0300"], ["static", 1, "1", "-"],
    ]  # fmt: skip
    assert [list(row) for row in paired.rows] == [["conv", "1", 1, "0.0400"]]
    assert "(4 trainings so far), then paired trainings are compared (1)" in text.body
    assert render("mine", [section], "")
