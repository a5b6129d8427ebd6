"""What came out: the sentence and the picture first, then tables and what they do not say."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

from heliostat.report import Folded, HeatMap, Plot, Section, Table, Text, render

HOSTILE = "race=<script>alert(1)</script>\n\x1b[31m, " + "long " * 40 + "name=" + "x" * 90
FIRST = "What came out"


def words(outcomes: SimpleNamespace, section: Section) -> str:
    return " ".join(part.body for part in outcomes.parts(section, Text))


def test_sections_stand_in_their_order(outcomes: SimpleNamespace, digits: Any) -> None:
    assert list(outcomes.sections(digits)) == [
        FIRST, "Learning curves", "Widths of masks", "Receptive fields", "Parameters and layers",
        "Learning rates",
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
    for section in outcomes.sections(digits).values():
        flat = [p for b in section.content for p in (b.content if isinstance(b, Folded) else [b])]
        drawn = [at for at, part in enumerate(flat) if isinstance(part, Plot | HeatMap)]
        listed = [at for at, part in enumerate(flat) if isinstance(part, Table)]
        assert section.title == "Parameters and layers" or drawn
        assert not (drawn and listed) or drawn[0] < listed[0], section.title
        assert all(part.note for part in flat if isinstance(part, Plot | HeatMap))


def test_the_picture_has_both_ways_with_intervals(outcomes: SimpleNamespace, digits: Any) -> None:
    plot = outcomes.sections(digits)[FIRST].content[1]
    assert [one.label for one in plot.series] == ["equal steps", "at best"]
    assert list(plot.categories) == ["conv", "static", "dynamic", "circle"]
    said = digits["variants"][0]["lines"][0]
    assert math.isclose(plot.series[0].y[0], said["mean"])
    assert math.isclose(plot.series[0].low[0], said["low"])
    assert re.search(r"Left out, since far worse: fixed \(0\.\d+ ±0\.\d+\)\.", plot.note)


def test_tables_have_means_differences_and_verdicts_in_words(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    means, *paired = outcomes.parts(outcomes.sections(digits)[FIRST], Table)
    assert list(means.columns) == ["variant", "equal steps", "at best", "rate", "exploded"]
    rows = {str(row[0]): row for row in means.rows}
    assert rows["fixed"][-1] == "2 of 6" and rows["dynamic"][-2] == "0.03 / 0.03*"
    assert [table.caption.partition(",")[0] for table in paired] == [
        "Minus conv at equal steps", "Minus conv at best",
    ]  # fmt: skip
    assert {str(row[0]): row[1] for row in paired[0].rows} == {
        "static": "no difference shown", "dynamic": "not decided: edge",
        "circle": "no difference shown", "fixed": "explodes more often",
    }  # fmt: skip


def test_what_may_and_may_not_be_concluded_is_said(outcomes: SimpleNamespace, digits: Any) -> None:
    said = words(outcomes, outcomes.sections(digits)[FIRST])
    for told in (
        "A Gaussian mask adds no function",
        "What may be concluded: on this data set",
        "there may still be one smaller than its interval",
        "which nothing here confirms or refutes",
        "95 % interval over 6 trainings on one split",
        "fixed: trainings exploded, 2 of 6 in every way.",
        "circle changes no layer of this network, so it is the ordinary one: its kernel is 3x3",
        "The best rate of dynamic lies at the edge of those tried",
    ):
        assert told in said


def test_what_does_worse_than_knowing_nothing_is_said(outcomes: SimpleNamespace) -> None:
    plain = outcomes.stored(outcomes.of(trivial=0.2))
    said = words(outcomes, outcomes.sections(plain)[FIRST])
    assert (
        "fixed does worse than always the most frequent class, at equal steps and at best" in said
    )
    assert "static does worse" not in said


def test_curves_have_bands(outcomes: SimpleNamespace, digits: Any, one_seed: Any) -> None:
    (plot,) = outcomes.parts(outcomes.sections(digits)["Learning curves"], Plot)
    assert [one.label for one in plot.series] == [one["label"] for one in digits["variants"]]
    assert all(one.low is not None for one in plot.series) and plot.log_y
    (plot,) = outcomes.parts(outcomes.sections(one_seed)["Learning curves"], Plot)
    assert all(one.low is None for one in plot.series) and "one training" in plot.note


def test_rates_are_folded_and_the_edge_is_not(outcomes: SimpleNamespace, digits: Any) -> None:
    told, folded = outcomes.sections(digits)["Learning rates"].content
    assert "The best rate of dynamic lies at the edge" in told.body
    assert isinstance(folded, Folded)
    table = next(part for part in folded.content if isinstance(part, Table))
    assert len(table.rows) == 3 * len(digits["variants"])
    plain = outcomes.stored(outcomes.of(variants=[replace(outcomes.compared("conv"), tried=[])]))
    assert "Learning rates" not in outcomes.sections(plain)


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
        return replace(one, lines=lines, curve=gone, fields=[])

    plain = outcomes.of(variants=[ran_away("conv"), ran_away("static")]).plain()
    section = outcomes.sections(plain)[FIRST]
    assert outcomes.parts(section, Plot) == []
    assert [row[1] for row in outcomes.parts(section, Table)[0].rows] == ["exploded"] * 2
    assert not {"Learning curves", "Receptive fields"} & set(outcomes.sections(plain))


def test_one_variant_alone_is_shown(outcomes: SimpleNamespace) -> None:
    alone = outcomes.stored(outcomes.of(variants=[outcomes.compared("conv")]))
    assert "There is nothing to compare" in words(outcomes, outcomes.sections(alone)[FIRST])
    assert "Widths of masks" not in outcomes.sections(alone)


def test_pages_are_well_formed_and_have_no_missing_number(
    outcomes: SimpleNamespace, digits: Any, one_seed: Any
) -> None:
    for plain in (digits, one_seed):
        page = render("mine", list(outcomes.sections(plain).values()), "")
        ElementTree.fromstring(page)
        shown = re.sub(r"<[^>]*>", " ", page)
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|no data to show", shown)


def test_hostile_names_stay_text(outcomes: SimpleNamespace) -> None:
    named = replace(
        outcomes.compared("static"), label=HOSTILE, sentence=HOSTILE, converted=[HOSTILE],
        skipped=[[HOSTILE, HOSTILE]],
    )  # fmt: skip
    plain = outcomes.stored(
        outcomes.of(
            variants=[outcomes.compared("conv"), named], dataset=HOSTILE, model=HOSTILE,
            metric=HOSTILE, sentence=HOSTILE, remarks=[HOSTILE], trivial_label=HOSTILE,
        )
    )  # fmt: skip
    page = render("mine", list(outcomes.sections(plain).values()), "")
    assert "<script" not in page and "\x1b" not in page
    ElementTree.fromstring(page)
