"""The way of a contestant's trainings: curves, the implicit rate, the loss as it changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from heliostat_methods.adalfl.comparison.contestants import Contestant
from heliostat_methods.adalfl.comparison.outcome import Course
from heliostat_methods.adalfl.comparison.trained import Posed
from heliostat_methods.adalfl.losses.beginning import Beginning
from heliostat_methods.adalfl.stacks.differentiable import pair_values
from heliostat_methods.adalfl.training.measuring import Measured
from heliostat_methods.adalfl.training.stacked import HISTORY
from heliostat_search.trainings.lines import mean_curve

Array = npt.NDArray[Any]
_POINTS = 61


def course_of(posed: Posed, one: Contestant, some: Sequence[Measured]) -> Course:
    """Return the course of the trainings of one contestant, block by block."""
    column = posed.problem.measures.index(posed.problem.metric)
    over_seeds = mean_curve(np.concatenate([m.test[:, :, column] for m in some]))
    noted = np.concatenate([m.noted for m in some], axis=1)
    adaptive = one.adapts != "nothing" or one.beginning is not None
    grid, labels, curves = _drawn(posed, one.beginning, some[0])
    minima = np.concatenate([m.minima for m in some], axis=1) if len(some[0].drawn) else None
    return Course(
        list(posed.steps), *over_seeds,
        list(some[0].noted_at) if adaptive else [],
        {name: _quartiles(noted[:, :, k]) for k, name in enumerate(HISTORY)} if adaptive else {},
        list(posed.settings.drawn_at)[: len(some[0].drawn)], grid, labels, curves,
        [] if minima is None else _quartiles(minima),
    )  # fmt: skip


def _quartiles(values: Array) -> list[list[float]]:
    """Return the lower quartile, the median and the upper one over runs, of values (H, R).

    Of the finite ones; NaN where there is none.
    """
    known = np.where(np.isfinite(values), values, np.nan)
    found = np.full((3, len(known)), np.nan)
    some = ~np.isnan(known).all(axis=1)
    if some.any():
        found[:, some] = np.nanquantile(known[some], (0.25, 0.5, 0.75), 1)
    return [_plain(row) for row in found]


def _plain(values: Array) -> list[float]:
    return [float(v) for v in values]


def _drawn(
    posed: Posed, beginning: Beginning | None, first: Measured
) -> tuple[list[float], list[float], list[list[list[float]]]]:
    """Return grid, labels and the first run's loss at each snapshot, brought to [0, 1]."""
    if beginning is None or not len(first.drawn):
        return [], [], []
    classify = posed.problem.task == "classification"
    low, high = (0.0, 1.0) if classify else (-3.0, 3.0)
    labels = [0.0, 1.0] if classify else [-1.0, 0.0, 1.0]
    grid = torch.linspace(low, high, _POINTS, dtype=torch.float64)
    phi = torch.tensor(np.asarray(first.drawn[:, 0], np.float64))
    with torch.no_grad():
        pairs = grid.expand(len(phi), -1)
        values = torch.stack(
            [pair_values(phi, beginning.shape, pairs, torch.full_like(pairs, y)) for y in labels],
            dim=1,
        ).numpy()
    least = values.min(axis=(1, 2), keepdims=True)
    spread = values.max(axis=(1, 2), keepdims=True) - least
    scaled = (values - least) / np.where(spread > 0, spread, 1.0)
    return _plain(grid.numpy()), labels, [[_plain(row) for row in one] for one in scaled]
