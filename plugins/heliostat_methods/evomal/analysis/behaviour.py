"""All that the analysis says of one loss, as plain data: computed once, drawn and printed anywhere.

``plots`` draws these accounts and ``heliostat losses show`` prints them. Every value is a number,
None, text, or a list or mapping of such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.analysis import curves as analysis
from heliostat_methods.evomal.analysis.curves import Loss, LossCurve
from heliostat_methods.evomal.analysis.equilibrium import (
    equilibrium,
    implicit_smoothing,
    resting_output,
)
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.tree import Task

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class BehaviourConfig:
    """``points`` of a curve; ``gap`` from certainty that counts as zero error; outputs' ``reach``.

    Points are spread evenly over 0 to 1, whose ends are left out, or over ``+-reach``.
    ``labels`` are those for which a regression's resting output is given. [R]
    """

    points: int = 101
    gap: float = 1e-4
    reach: float = 3.0
    labels: tuple[float, ...] = (-2.0, -1.0, 0.0, 1.0, 2.0)

    def __post_init__(self) -> None:
        if self.points < 5:
            raise ValueError(f"points: got {self.points}; expected at least 5")
        if not 0 < self.gap < 0.5:
            raise ValueError(f"gap: got {self.gap}; expected 0 < gap < 0.5")
        if not self.reach > 0:
            raise ValueError(f"reach: got {self.reach}; expected more than 0")


def behaviour(
    loss: Loss, task: Task, classes: int = 10, config: BehaviourConfig | None = None
) -> dict[str, Any]:
    """Return the account of a loss; ``classes`` is read for a classification only.

    Classification: ``curves`` with "target" (y = 1) and "other" (y = 0), for expressions alone, and
    "sample" (a whole sample, the others sharing the rest), each {x, value, slope}; ``equilibrium``
    and ``smoothing`` or None; ``null_epoch`` and ``zero_error`` {target, other}, dL/dz;
    ``implicit_rate``. Regression: ``curves`` with "output" (y = 0), ``equilibrium`` as pairs
    (label, output or None), ``null_epoch`` and ``zero_error`` as the root mean square of dm/df over
    standard normal labels, ``implicit_rate``.
    """
    config = config or BehaviourConfig()
    if task == "regression":
        return _regression(loss, config)
    p = np.linspace(0.0, 1.0, config.points)[1:-1]
    curves = {"sample": _plain(analysis.sample_curve(loss, classes, p))}
    if isinstance(loss, LossExpression):
        curves["target"] = _plain(analysis.loss_curve(loss, 1.0, p))
        curves["other"] = _plain(analysis.loss_curve(loss, 0.0, p))
    start = analysis.null_epoch_gradient(loss, classes)
    end = analysis.zero_error_gradient(loss, classes, config.gap)
    return {
        "task": task,
        "classes": classes,
        "curves": curves,
        "equilibrium": equilibrium(loss, classes),
        "smoothing": implicit_smoothing(loss, classes),
        "null_epoch": {"target": start[0], "other": start[1]},
        "zero_error": {"target": end[0], "other": end[1], "gap": config.gap},
        "implicit_rate": analysis.implicit_learning_rate(loss, classes),
    }


def _regression(loss: Loss, config: BehaviourConfig) -> dict[str, Any]:
    f = np.linspace(-config.reach, config.reach, config.points)
    labels = analysis.standard_labels()
    start = analysis.output_gradients(loss, labels, np.zeros_like(labels))
    end = analysis.output_gradients(loss, labels, labels)
    return {
        "task": "regression",
        "curves": {"output": _plain(analysis.output_curve(loss, 0.0, f))},
        "equilibrium": [[label, resting_output(loss, label)] for label in config.labels],
        "null_epoch": float(np.sqrt(np.mean(start**2))),
        "zero_error": float(np.sqrt(np.mean(end**2))),
        "implicit_rate": analysis.implicit_regression_rate(loss, labels),
    }


def references(task: Task, classes: int = 10, xi: float = 0.1) -> list[tuple[str, LossExpression]]:
    """Return the losses that others are drawn against, as trees: (name, loss).

    Squared error; or cross-entropy and label smoothing ``-(y (1 - xi) + xi/C) log f``.
    """
    if task == "regression":
        return [("mse", parse("square(sub(y, f))"))]
    smooth = f"mul(-1, mul(add({1.0 - xi!r}*y, {xi / classes!r}*1), log(f)))"
    return [
        ("cross_entropy", parse("mul(-1, mul(y, log(f)))")),
        (f"label smoothing {xi:g}", parse(smooth)),
    ]


def _plain(curve: LossCurve) -> dict[str, list[float]]:
    return {
        "x": curve.p.tolist(),
        "value": curve.value.tolist(),
        "slope": curve.slope.tolist(),
    }
