"""What trainings come to: lines, paired differences, costs, temperatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.lutnn.comparison.outcome import SAID, WAYS, Compared, Outcome, Temperature
from heliostat_methods.lutnn.comparison.trained import DenseNetworks, Posed, valid_curves
from heliostat_methods.lutnn.tasks import Tuned
from heliostat_methods.lutnn.training.accounts import NetworkCost
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.trainings.choosing import Choice
from heliostat_search.trainings.lines import Line, differences, line_of, mean_curve
from heliostat_search.trainings.rates import stopped
from heliostat_search.trainings.sentence import against_the_first
from heliostat_search.trainings.trivial import LABELS, explosion_limit, trivial_measures

Array = npt.NDArray[Any]
Found = Mapping[float, Sequence[Tuned]]


def concluded(
    posed: Posed, dense: DenseNetworks, cost: NetworkCost, some: Sequence[Variant],
    choices: Sequence[Choice], found: Sequence[Found], remarks: Sequence[str],
) -> Outcome:  # fmt: skip
    """Return the outcome; ``found``: by variant, all seeds at each factor; ``cost``: dense."""
    problem, config = posed.problem, posed.config
    trivial = trivial_measures(
        problem.task, problem.classes, problem.train[1], problem.test[1]
    )[problem.metric]  # fmt: skip
    limit = explosion_limit(trivial)
    lines = [
        _lines(posed, dense, variant, choice, one, limit)
        for variant, choice, one in zip(some, choices, found, strict=True)
    ]
    told = differences(lines, tuple(WAYS))
    compared = []
    for i, (variant, choice) in enumerate(zip(some, choices, strict=True)):
        tuned = found[i][choice.at_end.factor]
        first = tuned[0]
        mine = first.cost or cost
        compared.append(Compared(
            variant.kind, variant.kind, variant.sentence, variant.trained, mine.macs, mine.bytes,
            cost.macs, cost.bytes, list(first.layers), [list(pair) for pair in first.skipped],
            _int8_search(posed, tuned),
            [[posed.settings.tuning_rate * t.factor, t.at_end, t.at_best] for t in choice.tried],
            list(lines[i].values()), told[i], _curve(posed, variant, tuned),
            _temperatures(posed, tuned),
        ))  # fmt: skip
    rows = {name: len(getattr(problem, name)[1]) for name in ("train", "valid", "test")}
    made = Outcome(
        problem.name, problem.task, problem.model.name, problem.metric, problem.classes, rows,
        list(remarks), config.seeds, config.rate_seeds, config.tuning_steps, config.steps,
        config.learning_rate * dense.choice.at_end.factor, dense.choice.at_end.edge, trivial,
        LABELS[problem.task], compared, "",
    )  # fmt: skip
    return replace(made, sentence=against_the_first(compared, config.seeds, SAID))


def _lines(
    posed: Posed, dense: DenseNetworks, variant: Variant, choice: Choice, found: Found,
    limit: float,
) -> dict[str, Line]:  # fmt: skip
    steps, names = posed.steps(variant), posed.problem.measures
    made: dict[str, Line] = {}
    for way, how in (("equal_steps", choice.at_end), ("at_best", choice.at_best)):
        tuned = found[how.factor]
        test = np.stack([one.test for one in tuned])
        rows = np.arange(len(test))
        at = np.full(len(rows), len(steps) - 1)
        if way == "at_best":
            at = stopped(valid_curves(tuned))
        # what is not trained further has the rate of the dense training that it is of
        rate = (
            posed.settings.tuning_rate * how.factor
            if variant.trained
            else posed.settings.learning_rate * dense.choice.at_end.factor
        )
        edge = how.edge if variant.trained else dense.choice.at_end.edge
        made[way] = line_of(
            way, rate, edge, test[rows, at], names, posed.problem.metric,
            [steps[k] for k in at], limit,
        )  # fmt: skip
    return made


def _int8_search(posed: Posed, tuned: Sequence[Tuned]) -> list[float]:
    column = posed.problem.measures.index(posed.problem.metric)
    return [float(one.int8_search[column]) for one in tuned if len(one.int8_search)]


def _curve(posed: Posed, variant: Variant, tuned: Sequence[Tuned]) -> dict[str, list[float]]:
    if not variant.trained:
        return {"steps": [], "mean": [], "low": [], "high": []}
    column = posed.problem.measures.index(posed.problem.metric)
    mean, low, high = mean_curve(np.stack([one.test[:, column] for one in tuned]))
    steps = [float(step) for step in posed.steps(variant)]
    return {"steps": steps, "mean": mean, "low": low, "high": high}


def _temperatures(posed: Posed, tuned: Sequence[Tuned]) -> list[Temperature]:
    first = tuned[0]
    if first.temperatures.shape[1] != len(first.layers) or not first.layers:
        return []
    if len({one.temperatures.shape for one in tuned}) > 1:  # the cost model may choose by seed
        return []
    values = np.stack([one.temperatures for one in tuned]).astype(np.float64)
    return [
        Temperature(
            layer.name, list(posed.settings.tuning_at), _plain(values[:, :, k].mean(axis=0)),
            _plain(values[:, :, k].min(axis=0)), _plain(values[:, :, k].max(axis=0)),
        )
        for k, layer in enumerate(first.layers)
    ]  # fmt: skip


def _plain(values: Array) -> list[float]:
    return [float(v) for v in values]
