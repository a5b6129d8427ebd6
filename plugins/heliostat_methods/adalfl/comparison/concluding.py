"""What trainings come to: a line for each contestant and way, and paired tests with the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.adalfl.comparison.contestants import Contestant
from heliostat_methods.adalfl.comparison.course import course_of
from heliostat_methods.adalfl.comparison.outcome import (
    WAYS,
    Begun,
    Compared,
    Outcome,
)
from heliostat_methods.adalfl.comparison.sentence import sentence
from heliostat_methods.adalfl.comparison.trained import Posed
from heliostat_methods.adalfl.training.measuring import Measured
from heliostat_search.trainings.choosing import Choice, Chosen
from heliostat_search.trainings.lines import Line, area, differences, line_of
from heliostat_search.trainings.rates import stopped
from heliostat_search.trainings.trivial import LABELS, explosion_limit, trivial_measures

Array = npt.NDArray[Any]
Found = Mapping[float, Sequence[Measured]]


def concluded(
    posed: Posed,
    some: Sequence[Contestant],
    choices: Sequence[Choice],
    found: Sequence[Found],
    cost_at: Sequence[int | None],
    remarks: Sequence[str],
) -> Outcome:
    """Return the outcome; ``found``: by contestant, the blocks of trainings at each factor."""
    problem, config = posed.problem, posed.config
    trivial = trivial_measures(
        problem.task, problem.classes, problem.train[1], problem.test[1]
    )[problem.metric]  # fmt: skip
    lines = [
        _lines(posed, choice, blocks, place, explosion_limit(trivial))
        for choice, blocks, place in zip(choices, found, cost_at, strict=True)
    ]
    told = differences(lines, tuple(WAYS))
    compared = [
        Compared(
            one.name, one.label, one.sentence, one.adapts, one.step_cost, one.before,
            _begun(posed, one),
            [[posed.settings.learning_rate * t.factor, t.at_end, t.at_best]
             for t in choice.tried],
            list(lines[i].values()), told[i],
            course_of(posed, one, found[i][choice.at_end.factor]),
            *_mended(found[i][choice.at_end.factor]),
        )
        for i, (one, choice) in enumerate(zip(some, choices, strict=True))
    ]  # fmt: skip
    rows = {name: len(getattr(problem, name)[1]) for name in ("train", "valid", "test")}
    made = Outcome(
        problem.name, problem.task, problem.model.name, problem.metric, problem.classes, rows,
        list(remarks), config.seeds, config.rate_seeds, config.steps, float(config.steps), trivial,
        LABELS[problem.task], compared, "",
    )  # fmt: skip
    return replace(made, sentence=sentence(made))


def _lines(
    posed: Posed, choice: Choice, found: Found, cost_at: int | None, limit: float
) -> dict[str, Line]:
    steps, names, metric = posed.steps, posed.problem.measures, posed.problem.metric
    chosen: dict[str, Chosen | None] = {
        "equal_steps": choice.at_end, "equal_cost": choice.at_cut, "at_best": choice.at_best,
        "area": choice.at_end,
    }  # fmt: skip
    made: dict[str, Line] = {}
    for way in WAYS:
        how = chosen[way]
        if how is None:
            continue
        blocks = found[how.factor]
        test = np.concatenate([one.test for one in blocks])
        rows = np.arange(len(test))
        at = np.full(len(rows), len(steps) - 1)
        if way == "equal_cost":
            assert cost_at is not None
            at[:] = cost_at
        elif way == "at_best":
            at = stopped(np.concatenate([one.valid for one in blocks]))
        measures = test[rows, at]
        if way == "area":
            measures = np.stack([area(test[:, :, k], steps) for k in range(len(names))], 1)
        rate = posed.settings.learning_rate * how.factor
        made[way] = line_of(
            way, rate, how.edge, measures, names, metric, [steps[k] for k in at], limit
        )
    return made


def _begun(posed: Posed, one: Contestant) -> Begun | None:
    if one.beginning is None:
        return None
    some = [posed.begun[one.beginning, block][0] for block in posed.paired]
    change = np.concatenate([b.change for b in some])
    history = np.concatenate([b.history for b in some], axis=1)
    middle = np.median(history, axis=1) if history.size else np.empty(0)
    return Begun(
        one.beginning.start, len(change), int((~(change < 0)).sum()),
        int(sum(b.replaced.sum() for b in some)), float(np.mean(change)), list(some[0].at),
        [float(v) for v in middle],
    )  # fmt: skip


def _mended(some: Sequence[Measured]) -> tuple[int, int]:
    """Return how many trainings were stopped, and how many steps were undone."""
    return (
        sum(end >= 0 for one in some for end in one.ended),
        sum(sum(one.reverts) for one in some),
    )
