"""Relations of one-loop integrands, at random points and loop momenta; exact fields alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.serialised import to_document
from heliostat_methods.amplitudes.loops import sides
from heliostat_methods.amplitudes.loops.random_loops import random_loop_point
from heliostat_methods.amplitudes.relations.relation import Case, Relation, Sides
from heliostat_methods.amplitudes.relations.samples import disjoint_pairs, pairs, some

GAUGES = ("feynman", "background")
FIELDS = ("rational", "flint", "gf")


class LoopKinematics:
    """A point of n legs with a loop momentum."""

    def __init__(self, point: GramPoint, loop: LoopPoint) -> None:
        self.point, self.loop, self.field, self.n = point, loop, point.field, point.n

    @classmethod
    def random(cls, n: int, rng: np.random.Generator, field: Field) -> LoopKinematics:
        """Return a random point and loop momentum."""
        point = random_gram_point(n, rng, field)
        return cls(point, random_loop_point(point, rng))

    def plain(self) -> dict[str, Any]:
        """Return both as texts."""
        return {"kind": "loop kinematics", "point": to_document(self.point),
                "loop": to_document(self.loop)}  # fmt: skip


def _of(made: Callable[[Any, Any, Any], Any]) -> Callable[[Case, LoopKinematics], Sides]:
    def both(case: Case, at: LoopKinematics) -> Sides:
        left, right = made(case, at.point, at.loop)
        return left, right

    return both


def _gauges(n: int) -> list[Case]:
    return [(gauge,) for gauge in GAUGES]


def _pairs(n: int) -> list[Case]:
    chosen = [(pair,) for pair in some(pairs(n), 4)] + some(disjoint_pairs(n, 2), 3)
    found = [(one, gauge, False) for one in chosen for gauge in GAUGES]
    return [*found, (chosen[0], "feynman", True), (chosen[-1], "background", True)]


def cuts(n: int) -> list[tuple[int, ...]]:
    """Return some cuts of two edges, each with at least two legs on either side."""
    return some([(0, m) for m in range(2, n - 1)] + [(1, m) for m in range(3, n)], 4)


def _unitarity(n: int) -> list[Case]:
    return [(edges, gauge) for edges in cuts(n) for gauge in GAUGES]


def _cut_gauge(n: int) -> list[Case]:
    return [(leg, edges, gauge) for leg in (0, n - 1) for edges in cuts(n)[:2] for gauge in GAUGES]


def _turns(n: int) -> list[Case]:
    return [(theory, gauge, turn) for theory in ("ym", "scalar") for gauge in GAUGES
            for turn in (1, n - 1)]  # fmt: skip


INTEGRANDS = (
    Relation("loop_dimension", "loop", (4, 6), _gauges, _of(sides.dimension_sides), most=6,
             fields=FIELDS),
    Relation("loop_pairs", "loop", (4, 6), _pairs, _of(sides.pair_sides), most=6, fields=FIELDS),
    Relation("loop_polygon", "loop", (4, 6), lambda n: [("substitution",)],
             _of(sides.polygon_sides), most=6, fields=FIELDS),
    Relation("loop_unitarity", "loop", (4, 6), _unitarity, _of(sides.unitarity_sides), most=6,
             fields=FIELDS),
    Relation("loop_gauge", "loop", (4, 6), _cut_gauge, _of(sides.cut_gauge_sides), most=6,
             fields=FIELDS),
    Relation("loop_cyclic", "loop", (4, 6), _turns, _of(sides.cyclic_sides), most=6,
             fields=FIELDS),
    Relation("loop_reflection", "loop", (4, 6),
             lambda n: [(theory, gauge) for theory in ("ym", "scalar") for gauge in GAUGES],
             _of(sides.reflection_sides), most=6, fields=FIELDS),
)  # fmt: skip
