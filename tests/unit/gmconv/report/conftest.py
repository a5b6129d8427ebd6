"""Outcomes as a run stores them, with numbers as they come out: no search is needed to read one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat.report import Folded, Section
from heliostat_methods.gmconv.comparison.outcome import (
    WAYS,
    Compared,
    Field,
    LayerWidth,
    Outcome,
)
from heliostat_methods.gmconv.names import VARIANTS
from heliostat_methods.gmconv.report.comparison import report
from heliostat_search.trainings.lines import Difference, Line
from heliostat_search.trainings.paired_seeds import OverSeeds

STEPS = 300
AT = [0, 3, 12, 100, 300]
ERRORS = {"conv": 0.031, "static": 0.0315, "dynamic": 0.034, "circle": 0.031, "fixed": 0.4}
"""Test errors on digits, a network of two convolutions."""
ENDS = {"static": [5.3, 4.6], "dynamic": [5.001, 9.0], "fixed": [1.0, 1.0]}


def line(way: str, values: list[float], **more: Any) -> Line:
    said = OverSeeds.of(values)
    made = Line(
        way, 0.03, False, [STEPS] * len(values), values, said.diverged, said.mean, said.low,
        said.high, {},
    )  # fmt: skip
    return replace(made, **more)


def widths(kind: str) -> list[LayerWidth]:
    return [
        LayerWidth(layer, AT, course, [0.9 * v for v in course], [1.1 * v for v in course])
        for layer, end in zip(("0", "4"), ENDS.get(kind, []), strict=False)
        for course in [np.linspace(1.0 if kind == "fixed" else 5.0, end, len(AT)).tolist()]
    ]


def fields(kind: str) -> list[Field]:
    grid = np.arange(8) - 3.5
    seen = np.exp(-(grid[:, None] ** 2 + grid**2) / 4)
    seen[0] = 0  # the top of the image sees nothing
    rows = (seen / seen.sum()).tolist()
    radius = 1.2 if kind == "conv" else 1.1
    return [
        Field("0", radius, 0.02, 0.14, 0.93, 1.155 if kind != "circle" else None, rows, 6),
        Field("4", 2 * radius, 0.1, 0.5, 0.88, 2.5, rows, 6),
    ]


def compared(kind: str, seeds: int = 6, **more: Any) -> Compared:
    """A variant with a line and a difference in every way."""
    end, rng = ERRORS[kind], np.random.default_rng(len(kind))
    lines = []
    for way in WAYS:
        values = (end * rng.normal(1.0, 0.05, seeds)).tolist()
        if kind == "fixed" and seeds > 3:
            values[:2] = [math.inf] * 2
        lines.append(line(way, values, edge=kind == "dynamic" and way == "at_best"))
    verdict = {"fixed": "explodes", "dynamic": "edge"}.get(kind, "none")
    differences = [] if kind == "conv" or seeds < 2 else [
        Difference(one.way, 0.0008, -0.0004, 0.002, 0.41, 0.5, verdict) for one in lines
    ]  # fmt: skip
    mean = [end + (0.9 - end) * math.exp(-step / 40) for step in AT]
    curve = {"steps": list(map(float, AT)), "mean": mean, "low": [0.9 * v for v in mean],
             "high": [1.1 * v for v in mean]}  # fmt: skip
    added = {"static": 2, "dynamic": 38}.get(kind, 0)
    masked = [] if kind in ("conv", "circle") else ["0", "4"]
    disc = [[name, "its kernel is 3x3, all of which lies in the circle"] for name in ("0", "4")]
    skipped = {"conv": [], "circle": disc}.get(
        kind, [["2", "its kernel is 1x1, whose mask is the constant 1"]]
    )
    made = Compared(
        kind, kind, VARIANTS[kind], 1_922 + added, added, masked, skipped,
        [[0.01, end * 1.2, end * 1.1], [0.03, end, end], [0.1, end * 1.5, math.inf]], lines,
        differences, curve, widths(kind), fields(kind),
    )  # fmt: skip
    return replace(made, **more)


def stored(outcome: Outcome) -> Any:
    """The plain form as a run has it, which has lost the order of mappings."""
    return json.loads(json.dumps(outcome.plain(), sort_keys=True))


def outcome_of(seeds: int = 6, **more: Any) -> Outcome:
    """A comparison of all of them on digits."""
    outcome = Outcome(
        "digits", "classification", "cnn", "error_rate", 10,
        {"test": 360, "train": 1_257, "valid": 180}, [], seeds, 2, STEPS, 0.898,
        "always the most frequent class", [compared(kind, seeds) for kind in ERRORS],
        f"Over {seeds} paired seeds, static is not shown to differ from conv.",
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
        compared=compared, of=outcome_of, stored=stored, sections=sections, parts=parts, line=line
    )


@pytest.fixture
def digits() -> Any:
    return stored(outcome_of())


@pytest.fixture
def one_seed() -> Any:
    return stored(outcome_of(1))
