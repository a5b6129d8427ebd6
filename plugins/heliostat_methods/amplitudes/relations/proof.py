"""Instances of a relation compared at one random point, which a name alone decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as value
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.errors import NoPoint, SingularKinematics
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.named import field_named
from heliostat_methods.amplitudes.kinematics.serialised import to_document
from heliostat_methods.amplitudes.relations.helicities import SpinorPoint
from heliostat_methods.amplitudes.relations.integrands import LoopKinematics
from heliostat_methods.amplitudes.relations.points import point_for
from heliostat_methods.amplitudes.relations.relation import Case, Kind, Relation

MOST_DRAWS = 50
"""Points that may be singular for a relation before that is an error."""
TOLERANCE = 1e-7
"""Relative residual below which sides agree in floats; with more digits less."""
Stream = Callable[[int], np.random.Generator]
"""The random numbers of a point's draw."""


@dataclass(frozen=True)
class Compared:
    """What some instances came to at one point.

    ``residual``: the largest |left - right| relative to the sides, 0 where all are equal;
    ``failed``: instances whose sides differ, with both sides. ``sample``: the first instance, its
    point and both sides, as text. ``redrawn``: points that were singular.
    """

    compared: int
    equal: int
    residual: float
    redrawn: int
    failed: list[dict[str, Any]] = value(default_factory=list)
    sample: dict[str, Any] | None = None


def compare(
    relation: Relation, n: int, field_name: str, cases: Sequence[Case], stream: Stream
) -> Compared:
    """Return how the sides of some instances compare at a random point.

    A point at which some propagator is 0 is drawn anew, with the stream of the next number; raises
    NoPoint after fifty of them.
    """
    field = field_named(field_name)
    for draw in range(MOST_DRAWS):
        try:
            point = point_for(relation.kind, n, stream(draw), field)
            sides = [relation.sides(case, point) for case in cases]
        except (SingularKinematics, NoPoint, ZeroDivisionError) as error:
            last = error
            continue
        return _compared(relation, cases, sides, point, field, draw)
    where = f"{relation.name}, n = {n}, {field_name}"
    raise NoPoint(f"{where}: no point in {MOST_DRAWS} draws, the last with {last}")


def _compared(
    relation: Relation, cases: Sequence[Case], sides: Sequence[Any], point: Any, field: Field,
    redrawn: int,
) -> Compared:  # fmt: skip
    equal, worst, failed = 0, 0.0, []
    size = 0.0 if field.exact else _size(relation.kind, point)
    for case, (left, right) in zip(cases, sides, strict=True):
        apart = max(distance(x, y, field, size) for x, y in zip(left, right, strict=True))
        allowed = relation.limit or (0.0 if field.exact else _tolerance(field))
        worst = max(worst, apart)
        if apart <= allowed:
            equal += 1
        else:
            failed.append({"case": list(case), **_texts(left, right, field)})
    left, right = sides[0]
    sample = {"case": list(cases[0]), **_texts(left, right, field), "point": _document(point)}
    return Compared(len(cases), equal, worst, redrawn, failed[:3], sample)


def distance(left: Number, right: Number, field: Field, size: float = 0.0) -> float:
    """Return |left - right| relative to the larger side, or to ``size`` where that is larger.

    Residues have no size: 0 or 1.
    """
    if field.is_zero(left - right):
        return 0.0
    try:
        return float(abs(left - right)) / max(float(abs(left)), float(abs(right)), size)
    except TypeError:
        return 1.0


def _size(kind: Kind, point: Any) -> float:
    """Return what a side that should vanish is measured by in floats: the gluons' own value."""
    if kind == "spinor":  # sides have their own
        return 0.0
    return float(abs(psi("ym", point) if kind == "ads" else amplitude("ym", point)))


def _tolerance(field: Field) -> float:
    digits = field.name.partition(":")[2]
    return 10.0 ** (-int(digits) / 2) if digits else TOLERANCE


def _document(point: Any) -> dict[str, Any]:
    own = isinstance(point, SpinorPoint | LoopKinematics)
    return point.plain() if own else to_document(point)


def _texts(left: Sequence[Number], right: Sequence[Number], field: Field) -> dict[str, Any]:
    return {"left": [field.text(x) for x in left[:4]], "right": [field.text(x) for x in right[:4]]}
