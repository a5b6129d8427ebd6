"""The loss itself: a picture to step through, and a few moments in one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from heliostat.report import Folded, Frames, Plot, Section, Text
from heliostat_methods.adalfl.report.loss_shapes import FRAMES, LINES


def of(outcomes: SimpleNamespace, plain: Any) -> Section:
    found: Section = outcomes.sections(plain)["The loss during training"]
    return found


def test_every_snapshot_can_be_chosen_and_shows_now_beside_the_beginning(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    frames = of(outcomes, digits).content[0]
    assert isinstance(frames, Frames)
    assert list(frames.names) == ["0", "1,000", "2,000", "3,000"]
    course = digits["contestants"][1]["course"]
    for at, plot in enumerate(frames.plots):
        assert plot.title == f"The loss of adalfl after {frames.names[at]} steps"
        by_label = {one.label: list(one.y) for one in plot.series}
        assert by_label["label 1, now"] == course["curves"][at][1]
        assert by_label["label 1, before the first step"] == course["curves"][0][1]


def test_each_label_has_its_moments_in_one_picture(outcomes: SimpleNamespace, digits: Any) -> None:
    plots = [part for part in of(outcomes, digits).content if isinstance(part, Plot)]
    assert [plot.title for plot in plots] == [
        "adalfl: the loss of label 0 over training",
        "adalfl: the loss of label 1 over training",
        "All losses at the end, label 1",
    ]
    assert [one.label for one in plots[1].series] == [
        "step 0", "step 1,000", "step 2,000", "step 3,000",
    ]  # fmt: skip
    assert "punishes certainty, as label smoothing does" in plots[1].note


def test_further_losses_that_adapt_are_folded_away(outcomes: SimpleNamespace, digits: Any) -> None:
    folded = [part for part in of(outcomes, digits).content if isinstance(part, Folded)]
    assert [part.title for part in folded] == ["The loss of adalfl_random"]
    assert isinstance(folded[0].content[0], Frames)


def test_a_regression_has_outputs_across_and_three_labels(
    outcomes: SimpleNamespace, diabetes: Any
) -> None:
    section = of(outcomes, diabetes)
    plots = [part for part in section.content if isinstance(part, Plot)]
    assert [plot.title.rpartition("label ")[2] for plot in plots] == [
        "-1 over training", "0 over training", "1 over training", "0",
    ]  # fmt: skip
    assert {plot.x_label for plot in plots} == {"output f of the model, target standardised"}
    assert "the output that costs least where the target is -1" in plots[0].note
    (text,) = [part for part in section.content if isinstance(part, Text)]
    assert "standardised by training rows" in text.body


def test_many_snapshots_are_thinned_and_keep_their_ends(outcomes: SimpleNamespace) -> None:
    one = outcomes.compared("adalfl")
    drawn = list(range(0, 10_000, 100))
    course = replace(one.course, drawn=drawn, curves=[one.course.curves[0]] * len(drawn))
    plain = outcomes.stored(outcomes.made(contestants=[replace(one, course=course)]))
    frames, _, label_1, *_ = of(outcomes, plain).content
    assert isinstance(frames, Frames) and isinstance(label_1, Plot)
    assert len(frames.plots) == FRAMES and len(label_1.series) == LINES
    assert (frames.names[0], frames.names[-1]) == ("0", "9,900")
    assert (label_1.series[0].label, label_1.series[-1].label) == ("step 0", "step 9,900")


def test_without_a_loss_that_adapts_the_frozen_ones_are_shown(outcomes: SimpleNamespace) -> None:
    frozen = [outcomes.compared("task_loss"), outcomes.compared("ml3")]
    section = of(outcomes, outcomes.stored(outcomes.made(contestants=frozen)))
    (plot,) = section.content
    assert isinstance(plot, Plot) and [one.label for one in plot.series] == ["ml3"]


def test_of_two_classes_the_probability_is_that_of_class_1(outcomes: SimpleNamespace) -> None:
    plain = outcomes.stored(outcomes.made(classes=1))
    section = of(outcomes, plain)
    plots = [part for part in section.content if isinstance(part, Plot)]
    assert {plot.x_label for plot in plots} == {"probability p that the model gives class 1"}
    assert "costs least for a row of class 0" in plots[0].note
    (text,) = [part for part in section.content if isinstance(part, Text)]
    assert "Labels are the two classes" in text.body
