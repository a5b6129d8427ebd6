"""A comparison that goes on: what began, what would be chosen, what has ended."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat import PartRef
from heliostat.report import Plot, Table, Text, render
from heliostat_methods.adalfl.losses.beginning import Beginning
from heliostat_methods.adalfl.report.comparison import report
from heliostat_methods.adalfl.report.progress import contestant_text

FITTED = Beginning("task_loss_regression", (40,), 0.01, 10.0, "relu", "smooth_leaky_relu", "sum",
                   False, 600)  # fmt: skip
LEARNED = Beginning("offline", (50,), 0.01, 10.0, "relu", "softplus", "sum", False, 200, 5, 1e-3)


def training(**more: Any) -> SimpleNamespace:
    made = {"adapts": "nothing", "meta_rate": 0.0, "beginning": None, "frozen": None,
            "factors": (1.0,), "seeds": (0, 1), "detail": False}  # fmt: skip
    return SimpleNamespace(**{**made, **more})


def measured(*ends: float) -> SimpleNamespace:
    valid = np.array([[1.0, end] for end in ends])

    def of_factor(number: int, runs: int) -> SimpleNamespace:
        return SimpleNamespace(valid=valid[number * runs : (number + 1) * runs])

    return SimpleNamespace(valid=valid, of_factor=of_factor)


def view(**found: list[tuple[Any, Any]]) -> Any:
    """A run that goes on, with what its tasks have given."""

    def rows(task: str) -> Iterator[tuple[Any, Any, Any]]:
        for item, value in found.get(task.removeprefix("adalfl."), []):
            yield SimpleNamespace(key=(0,)), item, value

    return SimpleNamespace(result=None, found=rows, count=lambda: sum(map(len, found.values())))


BEGUN = [
    (SimpleNamespace(beginning=FITTED), SimpleNamespace(change=np.array([-0.1, -0.3]))),
    (SimpleNamespace(beginning=LEARNED), SimpleNamespace(change=np.array([0.1, -0.1, math.nan]))),
]
CHOOSING = [
    (training(factors=(3.0, 1.0)), measured(0.04, 0.06, 0.02, 0.04)),
    (
        training(seeds=(0,), adapts="loss", meta_rate=1e-5, beginning=FITTED),
        measured(math.inf),
    ),
]
PAIRED = [(training(detail=True), measured(0.03, 0.05))]


def test_a_run_that_has_just_begun_says_what_will_come() -> None:
    (section,) = report(view())
    (text,) = section.content
    assert isinstance(text, Text)
    assert "0 tasks are done; the comparison stands here when all are." in text.body


def test_what_began_what_would_be_chosen_and_what_ended_are_shown() -> None:
    (section,) = report(view(begin=BEGUN, train=CHOOSING + PAIRED))
    plot, chosen, paired, begun, text = section.content
    assert isinstance(plot, Plot) and isinstance(text, Text)
    assert isinstance(chosen, Table) and isinstance(paired, Table) and isinstance(begun, Table)
    assert list(plot.series[0].x) == [1.0, 3.0]
    assert np.allclose(plot.series[0].y, [0.03, 0.05])
    adaptive = "loss that adapts at 1e-05, fitted to the task's loss"
    assert [list(row) for row in chosen.rows] == [
        ["the task's own loss", 2, "1", "0.0300"], [adaptive, 1, "1", "-"],
    ]  # fmt: skip
    assert [list(row) for row in paired.rows] == [["the task's own loss", "1", 2, "0.0400"]]
    assert [list(row)[:3] for row in begun.rows] == [
        ["fitted to the task's loss", 2, 0],
        ["learned by Algorithm 1 through 5 steps, softplus", 3, 2],
    ]
    assert "(2 blocks of seeds so far)" in text.body
    assert "(5 trainings), then paired trainings are compared (2)" in text.body
    assert render("mine", [section], "")


@pytest.mark.parametrize(
    "item, said",
    [
        (training(), "the task's own loss"),
        (training(adapts="rate"), "learning rate that adapts"),
        (training(frozen=PartRef("mae")), "mae, frozen"),
        (training(beginning=LEARNED),
         "frozen loss, learned by Algorithm 1 through 5 steps, softplus"),
    ],
)  # fmt: skip
def test_a_training_says_what_it_is_of(item: Any, said: str) -> None:
    assert contestant_text(item) == said
