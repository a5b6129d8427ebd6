"""What trainings come to: a line for each contestant and way, and paired tests with the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.adalfl.comparison.choosing import Choice, area
from heliostat_methods.adalfl.comparison.contestants import Contestant
from heliostat_methods.adalfl.comparison.course import course_of
from heliostat_methods.adalfl.comparison.outcome import (
    WAYS,
    Begun,
    Compared,
    Difference,
    Line,
    Outcome,
    Way,
)
from heliostat_methods.adalfl.comparison.sentence import sentence
from heliostat_methods.adalfl.comparison.trained import Posed
from heliostat_methods.adalfl.training.measuring import Measured
from heliostat_search.statistics import holm
from heliostat_search.trainings.paired_seeds import OverSeeds, PairedTest
from heliostat_search.trainings.rates import stopped
from heliostat_search.trainings.trivial import EXPLODED, LABELS, trivial_measures
from heliostat_search.trainings.verdict import Trainings, judge

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
        _lines(posed, choice, blocks, place, EXPLODED * trivial)
        for choice, blocks, place in zip(choices, found, cost_at, strict=True)
    ]
    differences = _differences(lines, config.seeds)
    compared = [
        Compared(
            one.name, one.label, one.sentence, one.adapts, one.step_cost, one.before,
            _begun(posed, one),
            [[posed.settings.learning_rate * t.factor, t.at_end, t.at_best]
             for t in choice.tried],
            list(lines[i].values()), differences[i],
            course_of(posed, one, found[i][choice.factors["equal_steps"]]),
            *_mended(found[i][choice.factors["equal_steps"]]),
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
) -> dict[Way, Line]:
    steps, names = posed.steps, posed.problem.measures
    column = names.index(posed.problem.metric)
    made: dict[Way, Line] = {}
    for way in WAYS:
        if way not in choice.factors:
            continue
        blocks = found[choice.factors[way]]
        valid = np.concatenate([one.valid for one in blocks])
        test = np.concatenate([one.test for one in blocks])
        rows = np.arange(len(valid))
        if way == "area":
            values = np.stack([area(test[:, :, k], steps) for k in range(len(names))], 1)
            kept = [steps[-1]] * len(rows)
        else:
            at = np.full(len(rows), len(steps) - 1)
            if way == "equal_cost":
                assert cost_at is not None
                at[:] = cost_at
            elif way == "at_best":
                at = stopped(valid)
            values, kept = test[rows, at], [steps[k] for k in at]
        said = OverSeeds.of(values[:, column])
        made[way] = Line(
            way, posed.settings.learning_rate * choice.factors[way], choice.edges[way], kept,
            list(said.values), int((~(values[:, column] <= limit)).sum()), said.mean, said.low,
            said.high,
            {name: [float(v) for v in values[:, k]] for k, name in enumerate(names)
             if k != column},
        )  # fmt: skip
    return made


def _differences(lines: Sequence[Mapping[Way, Line]], seeds: int) -> list[list[Difference]]:
    """Return each contestant's differences from the first; none for that itself."""
    made: list[list[Difference]] = [[] for _ in lines]
    for way in WAYS:
        if way not in lines[0]:
            continue
        usual = lines[0][way]
        others = [i for i in range(1, len(lines)) if way in lines[i]]
        tests = [PairedTest.between(lines[i][way].values, usual.values) for i in others]
        known = [test for test in tests if test is not None]
        corrected = iter(holm([test.t_p for test in known]))
        for i, test in zip(others, tests, strict=True):
            mine = lines[i][way]
            p = None if test is None else next(corrected)
            kind = judge(
                Trainings(seeds, mine.exploded, mine.edge),
                Trainings(seeds, usual.exploded, usual.edge), test, p,
            )  # fmt: skip
            bounds = (None, None, None)
            if test is not None:
                d = test.difference
                bounds = (d.mean, d.low, d.high)  # type: ignore[assignment]
            made[i].append(
                Difference(way, *bounds, p, None if test is None else test.wilcoxon_p, kind)
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
