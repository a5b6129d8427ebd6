"""Outcomes as a run stores them, with numbers as they come out: no search is needed to read one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat.report import Folded, Section
from heliostat_methods.lutnn.comparison.outcome import WAYS, Compared, Outcome, Temperature
from heliostat_methods.lutnn.names import DENSE, UNTRAINED, VARIANTS
from heliostat_methods.lutnn.report.comparison import report
from heliostat_methods.lutnn.timing import WHOLE, Timing, Timings
from heliostat_methods.lutnn.training.accounts import LayerAccount
from heliostat_search.trainings.lines import Difference, Line
from heliostat_search.trainings.paired_seeds import OverSeeds

STEPS = 300
AT = [0, 3, 12, 100, 300]
ERRORS = {
    "dense": 0.031, "dense_longer": 0.029, "int8": 0.031, "pq": 0.5, "maddness": 0.2,
    "lutnn": 0.034, "annealed": 0.036,
}  # fmt: skip
"""Test errors on digits, a network of two convolutions and two linear layers."""
LAYERS = [
    LayerAccount("4", "Conv2d", 144, 32, 9, 16, 294_912, 180_224, 18_432, 4_736, 17_412, 0.21),
    LayerAccount("9", "Linear", 512, 64, 8, 64, 32_768, 12_288, 131_072, 33_024, 98_308, 0.35),
]
SKIPPED = [["0", "it is the first convolution (keep_first)"]]


def line(way: str, values: list[float], **more: Any) -> Line:
    said = OverSeeds.of(values)
    made = Line(
        way, 0.001, False, [STEPS] * len(values), values, said.diverged, said.mean, said.low,
        said.high, {},
    )  # fmt: skip
    return replace(made, **more)


def compared(kind: str, seeds: int = 6, **more: Any) -> Compared:
    """A variant with a line and a difference in every way."""
    end, rng = ERRORS.get(kind, 0.04), np.random.default_rng(len(kind))
    lines = []
    for way in WAYS:
        values = (end * rng.normal(1.0, 0.05, seeds)).tolist()
        if kind == "pq" and seeds > 3:
            values[:2] = [math.inf] * 2
        lines.append(line(way, values, edge=kind == "annealed" and way == "at_best"))
    verdict = {"pq": "explodes", "annealed": "edge", "maddness": "worse"}.get(kind, "none")
    differences = [] if kind == "dense" or seeds < 2 else [
        Difference(one.way, 0.0008, -0.0004, 0.002, 0.41, 0.5, verdict) for one in lines
    ]  # fmt: skip
    trained, looks = kind not in UNTRAINED, kind not in DENSE
    mean = [end + (0.9 - end) * math.exp(-step / 40) for step in AT]
    curve = {"steps": list(map(float, AT)), "mean": mean, "low": [0.9 * v for v in mean],
             "high": [1.1 * v for v in mean]}  # fmt: skip
    nothing: dict[str, list[float]] = {"steps": [], "mean": [], "low": [], "high": []}
    course = np.linspace(0.065, 0.05 if kind == "lutnn" else 0.1, len(AT)).tolist()
    moved = [
        Temperature(one.name, AT, course, [0.9 * v for v in course], [1.1 * v for v in course])
        for one in LAYERS
    ]
    made = Compared(
        kind, kind, VARIANTS[kind], trained, 210_000 if looks else 345_000,
        180_000 if looks else 90_000 if kind == "int8" else 214_000, 345_000, 214_000,
        LAYERS if looks else [], SKIPPED if looks else [],
        [end * 1.1] * seeds if looks and trained else [],
        [[0.0003, end * 1.2, end * 1.1], [0.001, end, end], [0.003, end * 1.5, math.inf]]
        if trained else [],
        lines, differences, curve if trained else nothing, moved if looks and trained else [],
    )  # fmt: skip
    return replace(made, **more)


def stored(outcome: Outcome) -> Any:
    """The plain form as a run has it, which has lost the order of mappings."""
    return json.loads(json.dumps(outcome.plain(), sort_keys=True))


def outcome_of(seeds: int = 6, **more: Any) -> Outcome:
    """A comparison of several on digits."""
    outcome = Outcome(
        "digits", "classification", "cnn", "error_rate", 10,
        {"test": 360, "train": 1_257, "valid": 180}, [], seeds, 2, STEPS, 600, 0.003, False, 0.898,
        "always the most frequent class", [compared(kind, seeds) for kind in ERRORS],
        f"Over {seeds} paired seeds, lutnn is not shown to differ from dense.",
    )  # fmt: skip
    return replace(outcome, **more)


TIMES = Timings(
    "AVX2, four rows at a time",
    (
        Timing(WHOLE, 1, 50.0, 60.0, 200.0, 180.0), Timing("4", 1, 20.0, math.inf, 80.0, math.inf),
        Timing(WHOLE, 64, 900.0, 800.0, 300.0, 250.0), Timing("9", 64, 90.4, 30.0, 30.0, 25.0),
    ),
)  # fmt: skip


def view(plain: Any, *times: Timings) -> Any:
    """A run that ended, with what its tasks have given."""

    def found(task: str) -> Iterator[Any]:
        assert task == "lutnn.time"
        for one in times:
            yield None, None, one

    return SimpleNamespace(result=plain, found=found)


def sections(plain: Any, *times: Timings) -> dict[str, Section]:
    return {one.title: one for one in report(view(plain, *times))}


def parts(section: Section, kind: Any) -> list[Any]:
    """Blocks of a kind, those that are folded away included."""
    found = []
    for block in section.content:
        inside = block.content if isinstance(block, Folded) else [block]
        found += [part for part in inside if isinstance(part, kind)]
    return found


@pytest.fixture(scope="session")
def outcomes() -> SimpleNamespace:
    """What makes outcomes and reads sections."""
    return SimpleNamespace(
        compared=compared, of=outcome_of, stored=stored, sections=sections, parts=parts, line=line,
        times=TIMES,
    )  # fmt: skip


@pytest.fixture
def digits() -> Any:
    return stored(outcome_of())


@pytest.fixture
def one_seed() -> Any:
    return stored(outcome_of(1))
