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
from heliostat_methods.lutnn.names import DENSE, UNTRAINED, VARIANTS
from heliostat_methods.lutnn.report.comparison import report
from heliostat_methods.lutnn.report.terminal import describe

HOSTILE = "race=<script>\n\x1b[31m, " + "long " * 40 + "name=" + "x" * 90


def test_it_tells_data_table_sentence_sizes_and_reservations_in_order(digits: Any) -> None:
    shown = " ".join(describe(digits, "RUN").split())
    places = [
        shown.index(text)
        for text in (
            "digits, classification of 10 classes: 1,257 rows train",
            "variant equal steps at best smaller dense 0.03",
            digits["sentence"],
            "lutnn: 2 of its layers look up, 1.6 times fewer multiply-adds",
            "pq: trainings exploded, 2 of 6 in every way.",
            "± is half of a 95 % interval over 6 trainings on one split",
            "pictures: heliostat report RUN",
        )
    ]
    assert places == sorted(places)


def test_each_row_of_the_table_ends_with_how_much_smaller_it_is(digits: Any) -> None:
    lines = describe(digits, "RUN").splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("variant"))
    ends = [line.split()[-1] for line in lines[at : at + 8]]
    assert ends == ["smaller", "1.00", "1.00", "2.38", "1.19", "1.19", "1.19", "1.19"]


def test_one_seed_says_that_nothing_may_be_concluded(one_seed: Any) -> None:
    shown = " ".join(describe(one_seed, "RUN").split())
    assert "nothing may be concluded" in shown and "±" not in shown


@pytest.mark.parametrize("values", [[0.03, 0.04], [123_456.7, 223_456.7], [1e-7, 2e-7]])
def test_all_variants_with_layers_of_long_names_fit(
    outcomes: SimpleNamespace, values: list[float]
) -> None:
    name = "encoder.layers.11.attention.output.dense.of.a.very.deep.network"
    some = []
    for kind in VARIANTS:
        one = outcomes.compared(kind)
        some.append(replace(
            one, lines=[outcomes.line(row.way, values * 3) for row in one.lines],
            layers=[replace(row, name=name * 2) for row in one.layers],
            skipped=[[name * 2, f"{name * 3} is shared"]] if one.layers else [],
        ))  # fmt: skip
    shown = describe(outcomes.stored(outcomes.of(variants=some)), "20261130-100514-lutnn-a41c")
    assert max(map(len, shown.splitlines())) <= 79
    assert all(kind in shown for kind in VARIANTS)


@pytest.mark.parametrize("values", [[0.03, 0.04], [123_456.7, 223_456.7], [1e-7, 2e-7]])
def test_a_long_label_leaves_room_for_numbers_and_sizes(
    outcomes: SimpleNamespace, values: list[float]
) -> None:
    one = outcomes.compared("lutnn")
    lines = [outcomes.line(row.way, values) for row in one.lines]
    wide = replace(
        one, label="lutnn, V 0.12345678901234567 of very many and many more", lines=lines
    )
    shown = describe(outcomes.stored(outcomes.of(variants=[wide])), "RUN")
    (row,) = [line for line in shown.splitlines() if line.endswith("1.19")]
    assert "many more" in row and max(map(len, shown.splitlines())) <= 79


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=120))
def test_any_name_stays_within_80_columns(outcomes: SimpleNamespace, name: str) -> None:
    for text in (name, HOSTILE):
        named = replace(outcomes.compared("lutnn"), label=text)
        plain = outcomes.of(
            variants=[outcomes.compared("dense"), named], dataset=text, model=text, sentence=text,
            remarks=[text],
        ).plain()  # fmt: skip
        lines = describe(plain, "RUN").split("\n")
        assert max(map(len, lines)) <= 79
        assert all(line.isprintable() for line in lines)


def test_what_is_not_printable_is_shown_and_not_obeyed(outcomes: SimpleNamespace) -> None:
    named = replace(outcomes.compared("lutnn"), label="a\x1b[31m\nb")
    plain = outcomes.of(variants=[named], dataset=HOSTILE, sentence=HOSTILE, remarks=[HOSTILE])
    assert all(line.isprintable() for line in describe(plain.plain(), "RUN").split("\n"))


def view(*found: Any, dense: int = 0) -> Any:
    """A run that goes on, with what its tasks have given."""

    def rows(task: str) -> Iterator[Any]:
        if task == "lutnn.train":
            yield from [(None, None, None)] * dense
            return
        assert task == "lutnn.tune"
        for kind, factor, detail, *valid in found:
            variant = SimpleNamespace(kind=kind, trained=kind not in UNTRAINED)
            item = SimpleNamespace(variant=variant, factor=factor, detail=detail)
            yield SimpleNamespace(key=(0,)), item, SimpleNamespace(valid=np.array(valid))

    return SimpleNamespace(result=None, found=rows, count=lambda: len(found) + dense)


def test_a_run_that_has_just_begun_says_what_will_come() -> None:
    (section,) = report(view())
    (text,) = section.content
    assert isinstance(text, Text)
    assert "0 tasks are done; the comparison stands here when all are." in text.body


def test_what_would_be_chosen_and_what_ended_are_shown() -> None:
    (section,) = report(
        view(
            ("lutnn", 1.0, False, 0.9, 0.04), ("lutnn", 1.0, False, 0.9, 0.02),
            ("lutnn", 3.0, False, 0.9, 0.5), ("dense_longer", 1.0, False, 0.9, math.inf),
            ("pq", 1.0, True, 0.4), ("lutnn", 1.0, True, 0.9, 0.04), dense=12,
        )
    )  # fmt: skip
    plot, chosen, paired, text = section.content
    assert isinstance(plot, Plot) and isinstance(text, Text)
    assert isinstance(chosen, Table) and isinstance(paired, Table)
    assert (list(plot.series[0].x), list(plot.series[0].y)) == ([1.0, 3.0], [0.03, 0.5])
    assert [list(row) for row in chosen.rows] == [
        ["lutnn", 2, "1", "0.0300"], ["dense_longer", 1, "1", "-"],
    ]  # fmt: skip
    assert [list(row) for row in paired.rows] == [
        ["pq", "1", 1, "0.4000"], ["lutnn", "1", 1, "0.0400"],
    ]  # fmt: skip
    assert "(12 so far)" in text.body and "(4 fine-tunings)" in text.body
    assert "compared (2). 18 tasks are done" in text.body
    assert render("mine", [section], "")


def test_every_variant_can_have_ended() -> None:
    (section,) = report(view(*((kind, 1.0, True, 0.1) for kind in VARIANTS)))
    paired, _ = section.content
    assert isinstance(paired, Table) and [row[0] for row in paired.rows] == list(VARIANTS)
    assert set(DENSE) < set(VARIANTS)
