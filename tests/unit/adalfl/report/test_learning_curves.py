"""Learning curves over steps, and over what those steps cost."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from heliostat.report import Plot


def test_curves_have_bands_and_all_contestants(outcomes: SimpleNamespace, digits: Any) -> None:
    section = outcomes.sections(digits)["Learning curves"]
    steps, cost = outcomes.parts(section, Plot)
    names = [one["label"] for one in digits["contestants"]]
    assert [one.label for one in steps.series] == [one.label for one in cost.series] == names
    assert all(one.low is not None and one.high is not None for one in steps.series)
    assert steps.log_y and cost.log_y


def test_costs_stretch_what_adapts_and_move_what_was_learned_before(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    _, cost = outcomes.parts(outcomes.sections(digits)["Learning curves"], Plot)
    ends = {one.label: (one.x[0], one.x[-1]) for one in cost.series}
    assert ends["task_loss"] == (0.0, 3_000.0)
    assert math.isclose(ends["adalfl"][1], 8_000.0)
    assert ends["learning_rate"] == (0.0, 6_000.0)
    assert ends["ml3"] == (4_500.0, 7_500.0)
    assert "left of 3,000" in cost.note


def test_one_training_has_no_band_and_near_curves_a_plain_axis(
    outcomes: SimpleNamespace, one_seed: Any, diabetes: Any
) -> None:
    steps, _ = outcomes.parts(outcomes.sections(one_seed)["Learning curves"], Plot)
    assert all(one.low is None for one in steps.series)
    assert "one training" in steps.note
    steps, _ = outcomes.parts(outcomes.sections(diabetes)["Learning curves"], Plot)
    assert not steps.log_y and steps.y_label == "mean squared error"
