"""What is said of ratio, angle, minimum and rate, from the numbers that say it."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from heliostat.report import Plot, Text
from heliostat_methods.adalfl.report.implicit_rate import minimum_text, rate_text, stopping_text

TITLE = "Learning rate or shape?"


def with_course(**more: Any) -> Any:
    return {"label": "mine", "course": {"history": {}, "minima": [], **more}}


def over(*median: float | None) -> list[list[float | None]]:
    return [[0.0] * len(median), list(median), [9.0] * len(median)]


@pytest.mark.parametrize(
    "ratio, said",
    [
        ((2.0, 1.0, 0.1), "ends at 0.05 of what it began with, below a tenth: implicit early"),
        ((2.0, 1.0, 0.21), "ends at 0.1 of what it began with, not below a tenth: there is no"),
        ((1.0, 0.001, 0.8), "ends at 0.8 of what it began with, not below"),
        ((2.0, 0.1, math.nan), "ends at 0.05 of what it began with"),
        ((None, 2.0, 0.1, None), "ends at 0.05 of what it began with"),
    ],
)
def test_early_stopping_is_told_of_the_ends_of_the_median(ratio: Any, said: str) -> None:
    assert said in stopping_text(with_course(history={"ratio": over(*ratio)}))


def test_an_end_is_the_median_of_a_tenth_of_the_steps() -> None:
    noisy = [1.0, 100.0, 1.0, *[5.0] * 24, 0.02, 50.0, 0.02]
    assert "ends at 0.02 of what it began with" in stopping_text(
        with_course(history={"ratio": over(*noisy)})
    )


@pytest.mark.parametrize("ratio", [(), (math.nan,), (0.0, 1.0)])
def test_without_a_ratio_nothing_is_said_of_it(ratio: Any) -> None:
    assert stopping_text(with_course(history={"ratio": over(*ratio)})) == ""


@pytest.mark.parametrize(
    "task, minima, said",
    [
        ("classification", (0.97, 0.95, 0.93), "least at p = 0.97 in the beginning and 0.93 in the "
         "end: it came to punish certainty, adaptive label smoothing."),
        ("classification", (0.9, 0.98), "0.9 in the beginning and 0.98 in the end: it came to "
         "smooth labels less."),
        ("classification", (1.0, 0.5, 1.0), "1 from beginning to end: no label smoothing came"),
        ("classification", (0.95, 0.95), "0.95 from beginning to end: it smooths labels, always"),
        ("regression", (0.0, 0.03), "for target 0 is least at an output of 0.03 from beginning"),
        ("regression", (0.0, -0.3), "of 0 in the beginning and -0.3 in the end: it came to favour"),
    ],
)  # fmt: skip
def test_where_the_loss_is_least_is_told_in_words(task: str, minima: Any, said: str) -> None:
    assert said in minimum_text(with_course(minima=over(*minima)), task)


def test_the_rate_that_adapts_is_told_by_its_ends() -> None:
    told = rate_text(with_course(history={"rate": over(0.03, 0.02, 0.015)}))
    assert "went from 0.03 to 0.015, 0.5 times what it was" in told
    assert rate_text(with_course(history={"rate": over()})) == ""


def test_pictures_are_of_those_whose_gradient_is_another_one(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    ratio, cosine, minima, rate = outcomes.parts(outcomes.sections(digits)[TITLE], Plot)
    learned = ["adalfl", "adalfl_random", "warm_start", "ml3"]
    assert [one.label for one in ratio.series] == [one.label for one in cosine.series] == learned
    assert [one.label for one in minima.series] == ["adalfl", "adalfl_random"]
    assert [one.label for one in rate.series] == ["learning_rate"]
    history = digits["contestants"][1]["course"]["history"]["ratio"]
    assert [list(column) for column in (ratio.series[0].low, ratio.series[0].y,
                                        ratio.series[0].high)] == history  # fmt: skip
    assert "It moves for a frozen loss as well" in ratio.note


def test_the_sentences_stand_under_their_pictures(outcomes: SimpleNamespace, digits: Any) -> None:
    section = outcomes.sections(digits)[TITLE]
    said = " ".join(part.body for part in outcomes.parts(section, Text))
    assert "The ratio of adalfl ends at 0.04 of what it began with, below a tenth" in said
    assert "The ratio of adalfl_random ends at 0.6 of what it began with, not below a tenth" in said
    assert "The ratio is a schedule of the learning rate" in said
    assert "adalfl 0.01 and 0.05" in said
    assert "p = 0.97 in the beginning and 0.93 in the end" in said
    assert "The learning rate of learning_rate went from 0.03 to" in said


def test_without_what_adapts_only_the_frozen_losses_are_drawn(outcomes: SimpleNamespace) -> None:
    frozen = [outcomes.compared("task_loss"), outcomes.compared("ml3")]
    section = outcomes.sections(outcomes.stored(outcomes.made(contestants=frozen)))[TITLE]
    assert [plot.title for plot in outcomes.parts(section, Plot)] == [
        "Implicit learning rate", "How alike the two gradients are",
    ]  # fmt: skip
    bare = [outcomes.compared("task_loss")]
    assert TITLE not in outcomes.sections(outcomes.stored(outcomes.made(contestants=bare)))


def test_a_training_whose_notes_are_no_numbers_is_drawn_with_gaps(
    outcomes: SimpleNamespace,
) -> None:
    one = outcomes.compared("adalfl")
    gone = {name: [[math.nan] * 10] * 3 for name in one.course.history}
    blank = replace(one, course=replace(one.course, history=gone, minima=[[math.nan] * 4] * 3))
    section = outcomes.sections(outcomes.made(contestants=[blank]).plain())[TITLE]
    said = " ".join(part.body for part in outcomes.parts(section, Text))
    assert "nan" not in said and "early stopping" not in said
