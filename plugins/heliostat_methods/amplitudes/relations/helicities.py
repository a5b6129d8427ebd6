"""Relations of helicity amplitudes in four dimensions, at spinors of residues or complex ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.helicity.helicity_amplitude import (
    helicity_amplitude,
    helicity_rounding,
)
from heliostat_methods.amplitudes.helicity.parke_taylor import mhv_factor, parke_taylor
from heliostat_methods.amplitudes.kinematics.spinors import Spinors, spinor_points
from heliostat_methods.amplitudes.relations.relation import Case, Relation, Sides


class SpinorPoint:
    """One point of n legs by its spinors, over a field of residues or complex numbers."""

    def __init__(self, spinors: Spinors, field: Field) -> None:
        self.spinors, self.field = spinors, field
        self.n = int(spinors.angle.shape[1])

    @classmethod
    def random(cls, n: int, rng: np.random.Generator, field: Field) -> SpinorPoint:
        """Return a random point; ValueError for a field without spinors."""
        return cls(spinor_points(1, n, rng, field), field)

    def plain(self) -> dict[str, Any]:
        """Return its spinors as texts."""

        def texts(values: Any) -> list[Any]:
            return [[str(x) for x in row] for row in values[0].tolist()]

        return {"kind": "spinors", "field": self.field.name, "angle": texts(self.spinors.angle),
                "square": texts(self.spinors.square)}  # fmt: skip


def _parke_taylor(case: Case, point: SpinorPoint) -> Sides:
    i, j = case
    helicities = [-1 if leg in (i, j) else 1 for leg in range(point.n)]
    left = helicity_amplitude(point.spinors, helicities)
    right = parke_taylor(point.spinors, (i, j)) * mhv_factor(point.n, point.spinors.prime)
    return _numbers(left, point), _numbers(right, point)


def _zeros(case: Case, point: SpinorPoint) -> Sides:
    """Compare with 0; complex numbers relative to the size of the terms that they are a sum of."""
    (minus,) = case
    helicities = [-1 if leg == minus else 1 for leg in range(point.n)]
    found = helicity_amplitude(point.spinors, helicities)
    if point.spinors.prime is not None:
        return _numbers(found, point), [point.field.zero]
    rounding = helicity_rounding(point.spinors, helicities)
    # a side that is 0 has no size: 1 stands for that of the terms, of which 1e-8 is allowed
    return [complex(1 + 1e-8 * found[0] / rounding[0])], [complex(1)]


def _numbers(values: Any, point: SpinorPoint) -> Sequence[Number]:
    return [point.field.number(x) for x in np.atleast_1d(values).tolist()]


FIELDS = ("gf", "complex128")
HELICITIES = (
    Relation("mhv", "spinor", (4, 10), lambda n: [(0, 1), (0, n // 2), (1, n - 1)], _parke_taylor,
             fields=FIELDS),
    Relation("helicity_zeros", "spinor", (4, 7), lambda n: [(-1,), (0,), (n - 1,)], _zeros,
             fields=FIELDS),
)  # fmt: skip
