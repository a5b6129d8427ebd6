"""What came out: the sentence and the picture first, then tables and what they do not say."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from heliostat.report import Folded, Plot, Section, Table, Text, render

HOSTILE = "race=<script>alert(1)</script>\n\x1b[31m, " + "long " * 40 + "name=" + "x" * 90
FIRST = "What came out"


def words(outcomes: SimpleNamespace, section: Section) -> str:
    return " ".join(part.body for part in outcomes.parts(section, Text))


def test_sections_stand_in_their_order(outcomes: SimpleNamespace, digits: Any) -> None:
    assert list(outcomes.sections(digits, outcomes.times)) == [
        FIRST, "Size and cost", "Time on this machine", "Learning curves", "Temperatures",
        "Search in integers", "Learning rates",
    ]  # fmt: skip


def test_the_sentence_comes_first_then_the_picture_then_tables(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    content = outcomes.sections(digits)[FIRST].content
    assert content[0] == Text(digits["sentence"], strong=True)
    kinds = [type(part) for part in content]
    assert kinds[1] is Plot and kinds.index(Plot) < kinds.index(Table)


def test_every_picture_says_what_to_see_and_stands_before_tables(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    for section in outcomes.sections(digits, outcomes.times).values():
        flat = [p for b in section.content for p in (b.content if isinstance(b, Folded) else [b])]
        drawn = [at for at, part in enumerate(flat) if isinstance(part, Plot)]
        listed = [at for at, part in enumerate(flat) if isinstance(part, Table)]
        assert not (drawn and listed) or drawn[0] < listed[0], section.title
        assert all(part.note for part in flat if isinstance(part, Plot))


def test_the_picture_has_both_ways_with_intervals(outcomes: SimpleNamespace, digits: Any) -> None:
    plot = outcomes.sections(digits)[FIRST].content[1]
    assert [one.label for one in plot.series] == ["equal steps", "at best"]
    assert list(plot.categories) == ["dense", "dense_longer", "int8", "lutnn", "annealed"]
    said = digits["variants"][0]["lines"][0]
    assert math.isclose(plot.series[0].y[0], said["mean"])
    assert math.isclose(plot.series[0].low[0], said["low"])
    assert re.search(r"Left out, since far worse: pq \(.*\) and maddness \(.*\)\.", plot.note)


def test_tables_have_means_differences_and_verdicts_in_words(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    means, *paired = outcomes.parts(outcomes.sections(digits)[FIRST], Table)
    assert list(means.columns) == ["variant", "equal steps", "at best", "rate", "exploded"]
    rows = {str(row[0]): row for row in means.rows}
    assert rows["pq"][-1] == "2 of 6" and rows["annealed"][-2] == "0.001 / 0.001*"
    assert [table.caption.partition(",")[0] for table in paired] == [
        "Minus dense at equal steps", "Minus dense at best",
    ]  # fmt: skip
    assert {str(row[0]): row[1] for row in paired[0].rows} == {
        "dense_longer": "no difference shown", "int8": "no difference shown",
        "pq": "explodes more often", "maddness": "worse", "lutnn": "no difference shown",
        "annealed": "not decided: edge",
    }  # fmt: skip


def test_what_may_and_may_not_be_concluded_is_said(outcomes: SimpleNamespace, digits: Any) -> None:
    said = words(outcomes, outcomes.sections(digits)[FIRST])
    for told in (
        "What may be concluded: on this data set",
        "there may still be one smaller than its interval",
        "which nothing here confirms or refutes",
        "95 % interval over 6 trainings on one split",
        "The dense networks were trained 600 steps at the rate 0.003",
        "only float_tables is not",
        "pq: trainings exploded, 2 of 6 in every way.",
        "The best rate of annealed lies at the edge of those tried",
    ):
        assert told in said
    assert "looks nothing up here" not in said


def test_reservations_are_told_where_they_hold(outcomes: SimpleNamespace) -> None:
    reason = "a lookup is not faster: 90 us beside 2 us, by the cost model"
    plain = outcomes.of(
        variants=[
            outcomes.compared("dense"), outcomes.compared("pq", layers=[], skipped=[["9", reason]]),
            outcomes.compared("lutnn", layers=[], skipped=[]),
        ],
        dense_edge=True, trivial=0.03, remarks=["a remark"],
    )  # fmt: skip
    said = words(outcomes, outcomes.sections(outcomes.stored(plain))[FIRST])
    assert f"pq looks nothing up here, so it is the dense network: {reason}." in said
    assert "it has no linear layer and no convolution" in said
    assert "The best rate of the dense training lies at the edge of those tried" in said
    assert "lutnn does worse than always the most frequent class" in said and "a remark." in said


def test_curves_have_bands_and_are_of_what_was_fine_tuned(
    outcomes: SimpleNamespace, digits: Any, one_seed: Any
) -> None:
    (plot,) = outcomes.parts(outcomes.sections(digits)["Learning curves"], Plot)
    assert [one.label for one in plot.series] == ["dense_longer", "lutnn", "annealed"]
    assert all(one.low is not None for one in plot.series) and plot.log_y
    (plot,) = outcomes.parts(outcomes.sections(one_seed)["Learning curves"], Plot)
    assert all(one.low is None for one in plot.series) and "one training" in plot.note


def test_rates_are_folded_and_the_edge_is_not(outcomes: SimpleNamespace, digits: Any) -> None:
    told, folded = outcomes.sections(digits)["Learning rates"].content
    assert "The best rate of annealed lies at the edge" in told.body
    assert isinstance(folded, Folded)
    table = next(part for part in folded.content if isinstance(part, Table))
    assert len(table.rows) == 3 * 3
    plain = outcomes.stored(outcomes.of(variants=[outcomes.compared("dense")]))
    assert "Learning rates" not in outcomes.sections(plain)


def test_an_int8_search_stands_beside_the_float_one(outcomes: SimpleNamespace, digits: Any) -> None:
    (table,) = outcomes.parts(outcomes.sections(digits)["Search in integers"], Table)
    assert [row[0] for row in table.rows] == ["lutnn", "annealed"]
    assert table.rows[0][2] == f"{0.034 * 1.1:.4f}" and "off unless it is asked for" in (
        table.caption
    )
    plain = outcomes.stored(outcomes.of(variants=[outcomes.compared("pq")]))
    assert "Search in integers" not in outcomes.sections(plain)


def test_one_seed_has_neither_intervals_nor_differences(
    outcomes: SimpleNamespace, one_seed: Any
) -> None:
    section = outcomes.sections(one_seed)[FIRST]
    assert "nothing may be concluded" in words(outcomes, section)
    assert "±" not in str(section)
    assert len(outcomes.parts(section, Table)) == 1


def test_where_all_explode_there_is_no_picture_and_the_table_says_so(
    outcomes: SimpleNamespace,
) -> None:
    def ran_away(kind: str) -> Any:
        one = outcomes.compared(kind)
        lines = [outcomes.line(row.way, [math.inf] * 6) for row in one.lines]
        gone = {"steps": [0.0], "mean": [], "low": [], "high": []}
        return replace(one, lines=lines, curve=gone, int8_search=[], temperatures=[])

    plain = outcomes.of(variants=[ran_away("dense"), ran_away("lutnn")]).plain()
    found = outcomes.sections(plain)
    assert outcomes.parts(found[FIRST], Plot) == outcomes.parts(found["Size and cost"], Plot) == []
    assert [row[1] for row in outcomes.parts(found[FIRST], Table)[0].rows] == ["exploded"] * 2
    assert not {"Learning curves", "Temperatures", "Search in integers"} & set(found)


def test_one_variant_alone_is_shown(outcomes: SimpleNamespace) -> None:
    alone = outcomes.stored(outcomes.of(variants=[outcomes.compared("dense")]))
    found = outcomes.sections(alone)
    assert "There is nothing to compare" in words(outcomes, found[FIRST])
    assert "No layer looks anything up." in words(outcomes, found["Size and cost"])
    assert list(found) == [FIRST, "Size and cost"]


def test_pages_are_well_formed_and_have_no_missing_number(
    outcomes: SimpleNamespace, digits: Any, one_seed: Any
) -> None:
    for plain in (digits, one_seed):
        page = render("mine", list(outcomes.sections(plain, outcomes.times).values()), "")
        ElementTree.fromstring(page)
        shown = re.sub(r"<[^>]*>", " ", page)
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|no data to show", shown)


@pytest.mark.parametrize("kind", ["lutnn", "pq"])
def test_hostile_names_stay_text(outcomes: SimpleNamespace, kind: str) -> None:
    usual = outcomes.compared(kind)
    named = replace(
        usual, label=HOSTILE, sentence=HOSTILE, skipped=[[HOSTILE, HOSTILE]],
        layers=[replace(one, name=HOSTILE) for one in usual.layers],
        temperatures=[replace(one, layer=HOSTILE) for one in usual.temperatures],
    )  # fmt: skip
    plain = outcomes.stored(
        outcomes.of(
            variants=[outcomes.compared("dense"), named], dataset=HOSTILE, model=HOSTILE,
            metric=HOSTILE, sentence=HOSTILE, remarks=[HOSTILE], trivial_label=HOSTILE,
        )
    )  # fmt: skip
    times = replace(
        outcomes.times, backend=HOSTILE, rows=(replace(outcomes.times.rows[1], what=HOSTILE),)
    )
    page = render("mine", list(outcomes.sections(plain, times).values()), "")
    assert "<script" not in page and "\x1b" not in page
    ElementTree.fromstring(page)
