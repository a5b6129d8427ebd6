"""What came out: the sentence and the picture first, then tables and what they do not say."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

from heliostat.report import Folded, Frames, Plot, Section, Table, Text, render

HOSTILE = "race=<script>alert(1)</script>\n\x1b[31m, " + "long " * 40 + "name=" + "x" * 90


def first(outcomes: SimpleNamespace, plain: Any) -> Section:
    found: Section = outcomes.sections(plain)["What came out"]
    return found


def words(outcomes: SimpleNamespace, section: Section) -> str:
    return " ".join(part.body for part in outcomes.parts(section, Text))


def tables(outcomes: SimpleNamespace, plain: Any) -> list[Table]:
    found: list[Table] = outcomes.parts(first(outcomes, plain), Table)
    return found


def test_sections_stand_in_their_order(outcomes: SimpleNamespace, digits: Any) -> None:
    assert list(outcomes.sections(digits)) == [
        "What came out", "Learning curves", "The loss during training", "Learning rate or shape?",
        "How losses began", "Learning rates",
    ]  # fmt: skip


def test_the_sentence_comes_first_then_the_picture_then_tables(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    content = first(outcomes, digits).content
    assert content[0] == Text(digits["sentence"], strong=True)
    kinds = [type(part) for part in content]
    assert kinds[1] is Plot and kinds.index(Plot) < kinds.index(Table)


def test_pictures_stand_before_tables_in_every_section(
    outcomes: SimpleNamespace, digits: Any, diabetes: Any
) -> None:
    for plain in (digits, diabetes):
        for section in outcomes.sections(plain).values():
            flat = [
                part
                for block in section.content
                for part in (block.content if isinstance(block, Folded) else [block])
            ]
            drawn = [at for at, part in enumerate(flat) if isinstance(part, Plot | Frames)]
            listed = [at for at, part in enumerate(flat) if isinstance(part, Table)]
            assert drawn and (not listed or drawn[0] < listed[0]), section.title
            assert all(part.note for part in flat if isinstance(part, Plot | Frames))


def test_the_picture_has_each_way_with_intervals(outcomes: SimpleNamespace, digits: Any) -> None:
    plot = first(outcomes, digits).content[1]
    assert isinstance(plot, Plot)
    assert [one.label for one in plot.series] == ["equal steps", "equal cost", "at best"]
    assert "adalfl" in plot.categories and "task_loss" in plot.categories
    steps = plot.series[0]
    assert steps.low is not None and steps.high is not None
    said = digits["contestants"][0]["lines"][0]
    assert math.isclose(steps.y[0], said["mean"])
    assert math.isclose(steps.low[0], said["low"])
    assert math.isclose(steps.high[0], said["high"])
    # ml3 has no line at equal cost: no point stands for it
    assert len(plot.series[1].x) == len(plot.categories) - 1


def test_a_contestant_far_worse_is_named_under_the_picture_that_it_would_flatten(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    plot = first(outcomes, digits).content[1]
    assert isinstance(plot, Plot)
    assert "adalfl_random" not in plot.categories
    assert re.search(r"Left out, since far worse: adalfl_random \(0\.4\d+ ±0\.\d+\)\.", plot.note)


def test_the_table_has_means_rates_and_explosions(outcomes: SimpleNamespace, digits: Any) -> None:
    means = tables(outcomes, digits)[0]
    assert list(means.columns) == [
        "contestant", "equal steps", "equal cost", "at best", "average", "rate", "exploded",
    ]  # fmt: skip
    rows = {str(row[0]): row for row in means.rows}
    assert list(rows) == [one["label"] for one in digits["contestants"]]
    assert re.fullmatch(r"0\.02\d\d ±0\.00\d\d", str(rows["task_loss"][1]))
    assert rows["ml3"][2] == "-"
    assert rows["adalfl_random"][-1] == "3 of 10"
    assert rows["task_loss"][-1] == "none"
    assert rows["warm_start"][-2] == "0.03 / 0.03*"


def test_differences_stand_by_way_with_p_and_a_verdict_in_words(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    found = tables(outcomes, digits)[1:5]
    assert [table.caption.partition(",")[0] for table in found] == [
        "Minus task_loss at equal steps", "Minus task_loss at equal cost",
        "Minus task_loss at best", "Minus task_loss on average",
    ]  # fmt: skip
    assert {str(row[0]): row[1] for row in found[0].rows} == {
        "adalfl": "no difference shown",
        "adalfl_random": "explodes more often",
        "warm_start": "not decided: edge",
        "ml3": "worse",
        "learning_rate": "no difference shown",
    }
    assert list(found[0].rows[0])[2:] == [
        "+0.0008",
        "-0.0004\u00a0to\u00a0+0.0020",
        "0.410",
        "0.500",
    ]
    assert "ml3" not in [row[0] for row in found[1].rows]


def test_it_is_said_what_may_and_may_not_be_concluded(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    said = words(outcomes, first(outcomes, digits))
    assert "What may be concluded: on this data set" in said
    assert "there may still be one smaller than its interval" in said
    assert "95 % interval over 10 trainings on one split" in said


def test_costs_say_what_eight_thirds_are(outcomes: SimpleNamespace, digits: Any) -> None:
    costs = tables(outcomes, digits)[-1]
    rows = {str(row[0]): list(row[2:]) for row in costs.rows}
    assert rows["adalfl"] == ["2.67", "0", "8,000", "1,125"]
    assert rows["task_loss"] == ["1.00", "0", "3,000", "3,000"]
    assert rows["ml3"] == ["1.00", "4,500", "7,500", "0"]
    assert rows["learning_rate"] == ["2.00", "0", "6,000", "1,500"]
    said = words(outcomes, first(outcomes, digits))
    assert "A step of a loss that adapts takes 8/3 of it" in said
    assert "make eight passes, where a usual step has three" in said


def test_where_nothing_adapts_no_cost_of_it_is_explained(outcomes: SimpleNamespace) -> None:
    frozen = [outcomes.compared("task_loss"), outcomes.compared("warm_start")]
    said = words(outcomes, first(outcomes, outcomes.stored(outcomes.made(contestants=frozen))))
    assert "8/3" not in said and "learning rate that adapts" not in said


def test_reservations_name_whom_they_are_of(outcomes: SimpleNamespace, digits: Any) -> None:
    said = words(outcomes, first(outcomes, digits))
    assert "adalfl_random: trainings exploded, 3 of 10 in every way." in said
    assert "adalfl_random: 3 of 10 losses were unusable at the beginning" in said
    assert "they were trained with as they are" in said
    assert "adalfl_random: 3 of 10 trainings were stopped" in said
    assert (
        "ml3 has no number at equal cost: its beginning alone takes 4,500 gradient evaluations "
        "of a budget of 3,000." in said
    )
    assert "The best rate of warm_start lies at the edge of those tried" in said


def test_what_does_worse_than_knowing_nothing_is_said(outcomes: SimpleNamespace) -> None:
    bad = outcomes.made("regression", trivial=0.5)
    said = words(outcomes, first(outcomes, outcomes.stored(bad)))
    assert (
        "adalfl_random does worse than always the mean, at equal steps, at equal cost and at best."
        in said
    )
    assert "task_loss does worse" not in said


def test_one_seed_has_neither_intervals_nor_differences(
    outcomes: SimpleNamespace, one_seed: Any
) -> None:
    section = first(outcomes, one_seed)
    said = words(outcomes, section)
    assert "there are no intervals, and nothing may be concluded" in said
    assert "±" not in str(section)
    assert not any("paired by seed" in table.caption for table in tables(outcomes, one_seed))
    plot = section.content[1]
    assert isinstance(plot, Plot) and plot.series[0].low is None


def test_where_all_explode_there_is_no_picture_and_the_table_says_so(
    outcomes: SimpleNamespace,
) -> None:
    def ran_away(name: str) -> Any:
        one = outcomes.compared(name)
        lines = [outcomes.line(row.way, [math.inf] * 10) for row in one.lines]
        return replace(one, lines=lines, course=outcomes.empty)

    plain = outcomes.made(contestants=[ran_away("task_loss"), ran_away("adalfl")]).plain()
    section = first(outcomes, plain)
    assert outcomes.parts(section, Plot) == []
    assert [row[1] for row in tables(outcomes, plain)[0].rows] == ["exploded", "exploded"]
    assert "Learning curves" not in outcomes.sections(plain)


def test_one_contestant_alone_is_shown(outcomes: SimpleNamespace) -> None:
    alone = outcomes.stored(outcomes.made(contestants=[outcomes.compared("task_loss")]))
    assert list(outcomes.sections(alone)) == ["What came out", "Learning curves", "Learning rates"]
    assert "There is nothing to compare" in words(outcomes, first(outcomes, alone))


def test_hostile_names_stay_text(outcomes: SimpleNamespace) -> None:
    named = replace(outcomes.compared("adalfl"), label=HOSTILE, sentence=HOSTILE)
    plain = outcomes.stored(
        outcomes.made(
            contestants=[outcomes.compared("task_loss"), named], dataset=HOSTILE, model=HOSTILE,
            metric=HOSTILE, sentence=HOSTILE, remarks=[HOSTILE], trivial_label=HOSTILE,
        )
    )  # fmt: skip
    page = render("mine", list(outcomes.sections(plain).values()), "")
    assert "<script" not in page and "\x1b" not in page
    ElementTree.fromstring(page)


def test_pages_are_well_formed_and_have_no_missing_number(
    outcomes: SimpleNamespace, digits: Any, diabetes: Any, one_seed: Any
) -> None:
    for plain in (digits, diabetes, one_seed):
        page = render("mine", list(outcomes.sections(plain).values()), "")
        ElementTree.fromstring(page)
        shown = re.sub(r"<[^>]*>", " ", page)
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|no data to show", shown)
