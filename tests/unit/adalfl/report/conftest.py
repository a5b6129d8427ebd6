"""Outcomes as a run stores them, with numbers as they come out: no search is needed to read one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat.report import Folded, Section
from heliostat_methods.adalfl.comparison.outcome import (
    WAYS,
    Begun,
    Compared,
    Course,
    Outcome,
)
from heliostat_methods.adalfl.names import METHODS
from heliostat_methods.adalfl.report.comparison import report
from heliostat_search.trainings.lines import Difference, Line
from heliostat_search.trainings.paired_seeds import OverSeeds

STEPS = 3_000
NOTED = list(range(0, STEPS, 300))
DRAWN = [0, 1_000, 2_000, 3_000]
ERRORS = {
    "task_loss": 0.0281, "adalfl": 0.0289, "adalfl_random": 0.41, "warm_start": 0.0294,
    "ml3": 0.0352, "learning_rate": 0.0278,
}  # fmt: skip
"""Test errors on digits, an MLP of one hidden layer."""
EMPTY = Course([], [], [], [], [], {}, [], [], [], [], [])


def line(way: str, values: list[float], **more: Any) -> Line:
    said = OverSeeds.of(values)
    made = Line(
        way, 0.03, False, [STEPS] * len(values), values, said.diverged, said.mean, said.low,
        said.high, {},
    )  # fmt: skip
    return replace(made, **more)


def course(name: str, task: str, end: float) -> Course:
    """The way of trainings: an error that falls, a ratio that falls, a minimum that moves."""
    steps = [0, 100, 300, 1_000, 3_000]
    mean = [end + (0.9 - end) * math.exp(-step / 400) for step in steps]
    adapts, begun = name.startswith("adalfl"), name not in ("task_loss", "learning_rate")
    if name == "task_loss":
        return Course(steps, mean, [0.9 * v for v in mean], [1.1 * v for v in mean],
                      [], {}, [], [], [], [], [])  # fmt: skip
    low, high = (0.0, 1.0) if task == "classification" else (-3.0, 3.0)
    labels = [0.0, 1.0] if task == "classification" else [-1.0, 0.0, 1.0]
    grid = np.linspace(low, high, 31)
    best = np.linspace(0.97, 0.93, len(DRAWN)) if task == "classification" else np.zeros(4)
    curves = [
        [((grid - (label * least)) ** 2 / high**2).tolist() for label in labels]
        for least in (best if adapts else best[:1].repeat(4))
    ]
    fall = np.geomspace(1.0, 0.04 if name == "adalfl" else 0.6, len(NOTED))
    flat = np.ones(len(NOTED))
    history = {
        "loss": fall, "objective": fall, "ratio": fall if begun else flat,
        "cos": np.linspace(0.99, 0.95, len(NOTED)) if begun else flat,
        "rate": 0.03 * (fall if name == "learning_rate" else flat),
    }  # fmt: skip
    return Course(
        steps, mean, [0.9 * v for v in mean], [1.1 * v for v in mean], NOTED,
        {key: [(0.98 * v).tolist(), v.tolist(), (1.02 * v).tolist()] for key, v in history.items()},
        DRAWN if begun else [], grid.tolist() if begun else [], labels if begun else [],
        curves if begun else [],
        [(best - 0.01).tolist(), best.tolist(), (best + 0.01).tolist()] if begun else [],
    )  # fmt: skip


def begun(name: str, count: int) -> Begun | None:
    if name in ("task_loss", "learning_rate"):
        return None
    if name == "ml3":
        return Begun("offline", count, 0, 0, -0.02, [1, 50, 100], [2.3, 1.1, 0.8])
    if name == "adalfl_random":
        return Begun("random", count, min(3, count), 0, 0.013, [], [])
    return Begun("task_loss_regression", count, 0, 0, -0.031, [], [])


def compared(name: str, task: str = "classification", seeds: int = 10, **more: Any) -> Compared:
    """A contestant with a line and a difference in every way that it has."""
    end = ERRORS[name] if task == "classification" else 0.45 + ERRORS[name]
    rng = np.random.default_rng(len(name))
    lines = []
    for way in WAYS:
        if name == "ml3" and way == "equal_cost":
            continue
        values = (end * rng.normal(1.0, 0.05, seeds)).tolist()
        if name == "adalfl_random" and seeds > 3:
            values[:3] = [math.inf] * 3
        lines.append(line(way, values, edge=name == "warm_start" and way == "at_best"))
    kind = {"adalfl_random": "explodes", "warm_start": "edge", "ml3": "worse"}.get(name, "none")
    differences = [] if name == "task_loss" or seeds < 2 else [
        Difference(one.way, 0.0008, -0.0004, 0.002, 0.41, 0.5, kind) for one in lines
    ]  # fmt: skip
    adapts = {"learning_rate": "rate"}.get(name, "loss" if "adalfl" in name else "nothing")
    made = Compared(
        name, name, METHODS[name], adapts, {"loss": 8 / 3, "rate": 2.0, "nothing": 1.0}[adapts],
        4_500.0 if name == "ml3" else 0.0, begun(name, seeds),
        [[0.01, end * 1.2, end * 1.1], [0.03, end, end], [0.1, end * 1.5, math.inf]], lines,
        differences, course(name, task, end), 3 if name == "adalfl_random" and seeds > 3 else 0, 0,
    )  # fmt: skip
    return replace(made, **more)


def stored(outcome: Outcome) -> Any:
    """The plain form as a run has it, which has lost the order of mappings."""
    return json.loads(json.dumps(outcome.plain(), sort_keys=True))


def made(task: str = "classification", seeds: int = 10, **more: Any) -> Outcome:
    """A comparison of all of them on digits, or on diabetes."""
    classify = task == "classification"
    outcome = Outcome(
        "digits" if classify else "diabetes", task, "mlp", "error_rate" if classify else "mse",
        10 if classify else 1, {"test": 360, "train": 1_257, "valid": 180}, [], seeds, 3, STEPS,
        float(STEPS), 0.898 if classify else 0.978,
        "always the most frequent class" if classify else "always the mean",
        [compared(name, task, seeds) for name in ERRORS],
        f"Over {seeds} paired seeds, adalfl is not shown to differ from task_loss.",
    )  # fmt: skip
    return replace(outcome, **more)


def sections(plain: Any) -> dict[str, Section]:
    return {one.title: one for one in report(SimpleNamespace(result=plain))}  # type: ignore[arg-type]


def parts(section: Section, kind: Any) -> list[Any]:
    """Blocks of a kind, those that are folded away included."""
    found = []
    for block in section.content:
        inside = block.content if isinstance(block, Folded) else [block]
        found += [part for part in inside if isinstance(part, kind)]
    return found


@pytest.fixture
def outcomes() -> SimpleNamespace:
    """What makes outcomes and reads sections."""
    return SimpleNamespace(
        compared=compared, made=made, stored=stored, sections=sections, parts=parts, empty=EMPTY,
        line=line,
    )  # fmt: skip


@pytest.fixture
def digits(outcomes: SimpleNamespace) -> Any:
    return outcomes.stored(outcomes.made())


@pytest.fixture
def diabetes(outcomes: SimpleNamespace) -> Any:
    return outcomes.stored(outcomes.made("regression"))


@pytest.fixture
def one_seed(outcomes: SimpleNamespace) -> Any:
    return outcomes.stored(outcomes.made(seeds=1))


@pytest.fixture
def drawn() -> Callable[[Any], dict[str, Section]]:
    return sections
