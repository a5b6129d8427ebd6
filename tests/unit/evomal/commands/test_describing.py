"""One loss on a terminal: formula, curves, where it rests and how hard it pulls."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat_methods.evomal.analysis.behaviour import behaviour
from heliostat_methods.evomal.commands.describing import account_text, number
from heliostat_methods.evomal.losses.expression import parse


def account(tree: str, task: Any, classes: int, **more: Any) -> dict[str, Any]:
    loss = parse(tree)
    return {"label": tree, "formula": str(loss), "latex": loss.to_latex(), "prefix": tree,
            "fitness": None, "dataset": None, "task": task, "classes": classes,
            **behaviour(loss, task, classes), **more}  # fmt: skip


def test_a_loss_for_regression_rests_at_the_label() -> None:
    text = account_text(account("square(sub(y, f))", "regression", 1))
    assert text.splitlines()[0] == "square(sub(y, f))"
    assert "  m(y, f) = (y - f)^2" in text
    assert "gradient at zero error  0 (root mean square, f = y)" in text
    rests = next(line for line in text.splitlines() if "rests at output" in line)
    assert "0 for y = 0" in rests


def test_a_loss_for_classification_names_the_smoothing_it_implies() -> None:
    text = account_text(account("mul(-1, mul(y, log(f)))", "classification", 3, fitness=0.125,
                                dataset="wine"))  # fmt: skip
    assert "found on wine: validation 0.125" in text
    assert "for 3 classes:" in text and "dL/dz at p = 1/C" in text
    assert "m(y=1, p)" in text and "whole sample" in text


def test_a_curve_is_shown_at_eleven_places() -> None:
    lines = account_text(account("square(sub(y, f))", "regression", 1)).splitlines()
    start = next(i for i, line in enumerate(lines) if "output f" in line)
    rows = [line.split() for line in lines[start + 1 : start + 12]]
    assert all(len(cells) == 2 for cells in rows)
    for x, value in rows:
        assert float(value) == pytest.approx(float(x) ** 2, rel=2e-3, abs=1e-9)


def test_what_is_not_known_is_a_dash() -> None:
    assert number(None) == "-"
    assert number(0.123456) == "0.1235"
