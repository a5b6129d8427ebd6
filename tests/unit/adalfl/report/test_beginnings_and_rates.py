"""How losses began and which rates were tried: tables, the course of Algorithm 1, the edge."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from heliostat.report import Folded, Plot, Table, Text


def said(outcomes: SimpleNamespace, plain: Any, title: str) -> str:
    return " ".join(part.body for part in outcomes.parts(outcomes.sections(plain)[title], Text))


def test_unusable_beginnings_are_counted_and_named(outcomes: SimpleNamespace, digits: Any) -> None:
    section = outcomes.sections(digits)["How losses began"]
    (table,) = outcomes.parts(section, Table)
    rows = {str(row[0]): list(row[1:]) for row in table.rows}
    assert rows == {
        "adalfl": ["fitted to the task's loss", 10, 0, 0, "-0.0310"],
        "adalfl_random": ["drawn", 10, 3, 0, "+0.0130"],
        "warm_start": ["fitted to the task's loss", 10, 0, 0, "-0.0310"],
        "ml3": ["learned by Algorithm 1", 10, 0, 0, "-0.0200"],
    }
    told = said(outcomes, digits, "How losses began")
    assert told.startswith("adalfl_random: 3 of 10 losses were unusable")


def test_replaced_beginnings_are_told(outcomes: SimpleNamespace) -> None:
    one = outcomes.compared("adalfl_random")
    one = replace(one, beginning=replace(one.beginning, replaced=3))
    plain = outcomes.stored(outcomes.made(contestants=[one]))
    assert "3 of them began from the task's loss" in said(outcomes, plain, "How losses began")


def test_where_all_could_be_used_that_is_said(outcomes: SimpleNamespace) -> None:
    some = [outcomes.compared("adalfl"), outcomes.compared("ml3")]
    plain = outcomes.stored(outcomes.made(contestants=some))
    assert "All 20 losses could be used" in said(outcomes, plain, "How losses began")


def test_algorithm_1_is_drawn_over_its_meta_steps(outcomes: SimpleNamespace, digits: Any) -> None:
    (plot,) = outcomes.parts(outcomes.sections(digits)["How losses began"], Plot)
    (line,) = plot.series
    assert (line.label, list(line.x), list(line.y)) == ("ml3", [1, 50, 100], [2.3, 1.1, 0.8])
    assert plot.x_label == "meta step"


def test_rates_are_folded_and_the_edge_is_not(outcomes: SimpleNamespace, digits: Any) -> None:
    told, folded = outcomes.sections(digits)["Learning rates"].content
    assert "The best rate of warm_start lies at the edge of those tried" in told.body
    assert isinstance(folded, Folded)
    table = next(part for part in folded.content if isinstance(part, Table))
    assert len(table.rows) == 3 * len(digits["contestants"])
    first = [row for row in table.rows if row[0] == "task_loss"]
    assert [row[1] for row in first] == ["0.01", "0.03", "0.1"]
    assert first[-1][-1] == "-"


def test_without_an_edge_the_choice_is_said_to_lie_between(outcomes: SimpleNamespace) -> None:
    plain = outcomes.stored(outcomes.made(contestants=[outcomes.compared("task_loss")]))
    assert "lies between others that were worse" in said(outcomes, plain, "Learning rates")


def test_two_at_an_edge_are_named_in_one_sentence(outcomes: SimpleNamespace) -> None:
    pair = [outcomes.compared("warm_start"), replace(outcomes.compared("warm_start"), label="b")]
    plain = outcomes.stored(outcomes.made(contestants=pair))
    assert "The best rates of warm_start and b lie" in said(outcomes, plain, "Learning rates")


def test_a_rate_that_was_given_has_no_section(outcomes: SimpleNamespace) -> None:
    plain = outcomes.stored(
        outcomes.made(contestants=[replace(outcomes.compared("task_loss"), tried=[])])
    )
    assert "Learning rates" not in outcomes.sections(plain)
