"""What trainings come to: lines, paired differences, widths of masks, receptive fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.gmconv.comparison.networks import Anatomy
from heliostat_methods.gmconv.comparison.outcome import (
    WAYS,
    Compared,
    Field,
    LayerWidth,
    Outcome,
)
from heliostat_methods.gmconv.comparison.trained import Posed, valid_curves
from heliostat_methods.gmconv.training.measuring import Measured
from heliostat_methods.gmconv.training.variant import Variant
from heliostat_search.trainings.choosing import Choice
from heliostat_search.trainings.lines import Line, differences, line_of, mean_curve
from heliostat_search.trainings.rates import stopped
from heliostat_search.trainings.sentence import against_the_first
from heliostat_search.trainings.trivial import LABELS, explosion_limit, trivial_measures

Array = npt.NDArray[Any]
Found = Mapping[float, Sequence[Measured]]
_SIDE = 64
"""A result holds maps no finer than a report can show."""


def concluded(
    posed: Posed,
    some: Sequence[Variant],
    anatomies: Sequence[Anatomy],
    choices: Sequence[Choice],
    found: Sequence[Found],
    remarks: Sequence[str],
) -> Outcome:
    """Return the outcome; ``found``: by variant, the trainings of all seeds at each factor."""
    problem, config = posed.problem, posed.config
    trivial = trivial_measures(
        problem.task, problem.classes, problem.train[1], problem.test[1]
    )[problem.metric]  # fmt: skip
    lines = [
        _lines(posed, choice, one, explosion_limit(trivial))
        for choice, one in zip(choices, found, strict=True)
    ]
    told = differences(lines, tuple(WAYS))
    compared = []
    for i, (variant, choice) in enumerate(zip(some, choices, strict=True)):
        trained = found[i][choice.at_end.factor]
        compared.append(Compared(
            variant.label, variant.kind, variant.sentence, anatomies[i].parameters,
            anatomies[i].parameters - anatomies[i].plain, list(anatomies[i].converted),
            [list(pair) for pair in anatomies[i].skipped],
            [[posed.settings.learning_rate * t.factor, t.at_end, t.at_best]
             for t in choice.tried],
            list(lines[i].values()), told[i], _curve(posed, trained), _widths(posed, trained),
            _fields(anatomies[i], trained),
        ))  # fmt: skip
    rows = {name: len(getattr(problem, name)[1]) for name in ("train", "valid", "test")}
    made = Outcome(
        problem.name, problem.task, problem.model.name, problem.metric, problem.classes, rows,
        list(remarks), config.seeds, config.rate_seeds, config.steps, trivial,
        LABELS[problem.task], compared, "",
    )  # fmt: skip
    return replace(made, sentence=against_the_first(compared, config.seeds, WAYS))


def _lines(posed: Posed, choice: Choice, found: Found, limit: float) -> dict[str, Line]:
    steps, names = posed.steps, posed.problem.measures
    made: dict[str, Line] = {}
    for way, how in (("equal_steps", choice.at_end), ("at_best", choice.at_best)):
        trained = found[how.factor]
        test = np.stack([one.test for one in trained])
        rows = np.arange(len(test))
        at = np.full(len(rows), len(steps) - 1)
        if way == "at_best":
            at = stopped(valid_curves(trained))
        made[way] = line_of(
            way, posed.settings.learning_rate * how.factor, how.edge, test[rows, at], names,
            posed.problem.metric, [steps[k] for k in at], limit,
        )  # fmt: skip
    return made


def _curve(posed: Posed, trained: Sequence[Measured]) -> dict[str, list[float]]:
    column = posed.problem.measures.index(posed.problem.metric)
    mean, low, high = mean_curve(np.stack([one.test[:, column] for one in trained]))
    steps = [float(step) for step in posed.steps]
    return {"steps": steps, "mean": mean, "low": low, "high": high}


def _widths(posed: Posed, trained: Sequence[Measured]) -> list[LayerWidth]:
    layers = trained[0].layers
    if not layers or not np.isfinite(trained[0].sigmas).any():
        return []
    sigmas = np.stack([one.sigmas for one in trained]).astype(np.float64)
    return [
        LayerWidth(
            layer, list(posed.steps), _plain(sigmas[:, :, k].mean(axis=0)),
            _plain(sigmas[:, :, k].min(axis=0)), _plain(sigmas[:, :, k].max(axis=0)),
        )
        for k, layer in enumerate(layers)
    ]  # fmt: skip


def _fields(anatomy: Anatomy, trained: Sequence[Measured]) -> list[Field]:
    made = []
    with_fields = [one for one in trained if one.fields]
    if not with_fields:
        return []
    ends = np.stack([one.sigmas[-1] for one in with_fields]).mean(axis=0)
    # A disc has no width, and so no prediction beyond it.
    widths = dict(zip(with_fields[0].layers, map(float, ends), strict=True))
    for place, first in enumerate(with_fields[0].fields):
        some = [one.fields[place] for one in with_fields]
        radii = np.array([one.radius for one in some])
        seen, scale = _thumbnail(np.asarray(first.map, np.float64))
        made.append(Field(
            first.layer, float(radii.mean()), float(radii.std(ddof=1)) if len(radii) > 1 else 0.0,
            float(np.mean([one.area for one in some])), float(np.mean([one.fit for one in some])),
            anatomy.predicted_radius(first.layer, widths), [_plain(row) for row in seen],
            len(some), scale,
        ))  # fmt: skip
    return made


def _thumbnail(seen: Array) -> tuple[Array, int]:
    """Return a map of at most 64 entries a side, and how many places of a side each sums."""
    scale = -(-max(seen.shape) // _SIDE)
    for axis in (0, 1):
        seen = np.add.reduceat(seen, np.arange(0, seen.shape[axis], scale), axis=axis)
    return seen, scale


def _plain(values: Array) -> list[float]:
    return [float(v) for v in values]
